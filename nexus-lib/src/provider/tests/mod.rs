//! Every built-in provider fulfils the contract.

use super::{
    Anthropic, Azure, DemoProvider, Dialect, Gemini, HttpProvider, Ollama, OpenAi, Transport, Xai,
};
use crate::call::Operation;
use crate::testing::{ProviderContract, UpstreamAnswers, anthropic, gemini, ollama, openai};

fn over<D: Dialect>(dialect: D, answers: UpstreamAnswers) -> ProviderContract {
    let transport = Transport::builder().build().unwrap();
    ProviderContract::of(HttpProvider::new(dialect, transport)).upstream(answers)
}

#[tokio::test]
async fn openai_keeps_the_contract() {
    over(OpenAi, openai::answers()).check().await;
}

#[tokio::test]
async fn azure_keeps_the_contract() {
    let contract = over(Azure, openai::answers()).below("/openai/v1");
    let responses = openai::response_answers();
    let contract = contract.upstream_for(Operation::Response, responses);
    contract.check().await;
}

#[tokio::test]
async fn azures_deployments_keep_the_contract() {
    let contract = over(Azure, openai::answers());
    contract.below("/openai/deployments").check().await;
}

#[tokio::test]
async fn xai_keeps_the_contract() {
    over(Xai, openai::answers()).check().await;
}

#[tokio::test]
async fn anthropic_keeps_the_contract() {
    over(Anthropic, anthropic::answers()).check().await;
}

#[tokio::test]
async fn gemini_keeps_the_contract() {
    over(Gemini, gemini::answers()).check().await;
}

#[tokio::test]
async fn ollama_keeps_the_contract() {
    over(Ollama, ollama::answers()).check().await;
}

#[tokio::test]
async fn demo_keeps_the_contract() {
    ProviderContract::of(DemoProvider).check().await;
}
