//! Generated images: to every client, and back to the model with the next request.

use serde_json::{Value, json};

use super::clients::{self, check_reply, check_requests, check_stream, next_request};
use super::properties::gathered;
use super::recorded::fixture;
use crate::translate::ClientProtocol::{Chat, Messages, Responses};
use crate::translate::{
    Answered, Losses, Output, Picture, ProviderProtocol, Request, Source, Turn, gemini,
};

fn drawn() -> Answered {
    gemini::reply::read(&fixture("gemini", "reply_picture.json")).unwrap()
}

fn picture(source: Source) -> Request {
    let picture = Picture {
        source,
        signature: None,
    };
    Request {
        turns: vec![Turn::Assistant(vec![Output::Picture(picture)])],
        ..Request::default()
    }
}

fn data() -> Source {
    Source::Data {
        media_type: "image/png".to_owned(),
        data: "AAAA".to_owned(),
    }
}

/// The body for `provider`, or the parameter that causes its rejection.
fn written(request: &Request, provider: ProviderProtocol, model: &str) -> Result<Value, String> {
    let body = provider.write_request(request, model, &mut Losses::new(false));
    body.map(|body| serde_json::from_slice(&body).unwrap())
        .map_err(|error| error.param().unwrap().to_owned())
}

#[test]
fn recorded_requests() {
    check_requests(
        "gemini",
        gemini::request::write,
        &[(
            Chat,
            "chat",
            "request_picture",
            "gemini-3-pro-image-preview",
        )],
    );
}

#[test]
fn recorded_replies() {
    check_reply("gemini", "reply_picture", &drawn());
}

#[test]
fn recorded_streams() {
    for (provider, protocol) in [
        ("gemini", ProviderProtocol::Gemini),
        ("responses", ProviderProtocol::Responses),
    ] {
        let stream = fixture(provider, "stream_picture.sse");
        check_stream(
            provider,
            "stream_picture",
            &clients::events(protocol, &stream),
        );
    }
}

#[test]
fn a_picture_comes_back_with_its_signature() {
    for client in [Chat, Responses] {
        let reply = client.write_reply(&drawn(), "asked-for");
        let request = client
            .read_request(&next_request(client, &reply, &[]))
            .unwrap();
        let body = written(
            &request,
            ProviderProtocol::Gemini,
            "gemini-3-pro-image-preview",
        )
        .unwrap();
        let parts = body["contents"][1]["parts"].as_array().unwrap();
        let is_picture = |part: &&Value| part.get("inlineData").is_some();
        let pictures: Vec<&Value> = parts.iter().filter(is_picture).collect();
        let [picture] = pictures[..] else {
            panic!("{client:?}: {body}")
        };
        assert_eq!(picture["inlineData"]["mimeType"], "image/png");
        assert_eq!(picture["thoughtSignature"], "CiQBVKhc7vB+vaaq6rA/");
        // The text is signed too.
        assert!(parts.contains(&json!({"text": "", "thoughtSignature": "EtwFCtkFAb4+9vsCnRDH"})));
    }
}

#[test]
fn a_picture_streamed_is_the_picture_whole() {
    let stream = fixture("gemini", "stream_picture.sse");
    let answered = gathered(clients::events(ProviderProtocol::Gemini, &stream));
    for client in [Chat, Responses] {
        let provider = ProviderProtocol::from(client);
        let actual =
            clients::streamed_to(client, clients::events(ProviderProtocol::Gemini, &stream));
        let back = gathered(clients::events(provider, &actual));
        assert_eq!(back.output, answered.output, "{client:?}");
        let whole = provider
            .read_reply(&client.write_reply(&answered, "m"))
            .unwrap();
        let pictures = |output: &[Output]| -> Vec<Output> {
            let output = output
                .iter()
                .filter(|output| matches!(output, Output::Picture(_)));
            output.cloned().collect()
        };
        assert_eq!(pictures(&whole.output), pictures(&answered.output));
        assert_eq!(pictures(&whole.output).len(), 2);
    }
}

#[test]
fn pictures_of_another_provider_are_signed_as_such_where_it_is_wanted() {
    let signature = |model: &str| {
        let body = written(&picture(data()), ProviderProtocol::Gemini, model).unwrap();
        body["contents"][0]["parts"][0]["thoughtSignature"].clone()
    };
    let word = "skip_thought_signature_validator";
    assert_eq!(signature("gemini-3-pro-image-preview"), word);
    assert_eq!(signature("gemini-2.5-flash-image"), Value::Null);
}

#[test]
fn a_picture_goes_where_there_is_a_place_for_it() {
    let address = || picture(Source::Url("https://example.com/a.png".to_owned()));
    let refused = Err("messages[0].images".to_owned());
    let chat = ProviderProtocol::Chat;
    assert_eq!(written(&picture(data()), chat, "gpt-5"), refused);
    let url = |request: &Request| {
        let body = written(request, chat, "a-model").unwrap();
        body["messages"][0]["images"][0]["image_url"]["url"].clone()
    };
    assert_eq!(url(&picture(data())), "data:image/png;base64,AAAA");
    assert_eq!(url(&address()), "https://example.com/a.png");

    let messages = ProviderProtocol::Messages;
    assert_eq!(
        written(&picture(data()), messages, "claude-sonnet-4-6"),
        refused
    );

    let responses = ProviderProtocol::Responses;
    let body = written(&picture(data()), responses, "gpt-5").unwrap();
    assert_eq!(body["input"][0]["type"], "image_generation_call");
    assert_eq!(body["input"][0]["result"], "AAAA");
    assert_eq!(
        written(&address(), responses, "gpt-5"),
        Err("images".to_owned())
    );

    let ollama = ProviderProtocol::Ollama;
    let body = written(&picture(data()), ollama, "m").unwrap();
    assert_eq!(body["messages"][0]["images"], json!(["AAAA"]));
    assert_eq!(written(&address(), ollama, "m"), refused);
}

#[test]
fn what_is_to_be_drawn_is_asked_for_in_known_words() {
    let body = |members: &str| {
        format!(r#"{{"model": "m", "messages": [{{"role": "user", "content": "x"}}], {members}}}"#)
    };
    let gemini = |members: &str| {
        let request = Chat.read_request(body(members).as_bytes()).unwrap();
        written(&request, ProviderProtocol::Gemini, "gemini-2.5-flash-image")
    };
    let config = |members: &str| gemini(members).unwrap()["generationConfig"].clone();
    assert_eq!(config(r#""modalities": ["text"]"#), Value::Null);
    assert_eq!(
        config(r#""modalities": ["image"], "image_config": {"aspect_ratio": "1:1"}"#),
        json!({"responseModalities": ["IMAGE"], "imageConfig": {"aspectRatio": "1:1"}})
    );
    for (members, param) in [
        (r#""modalities": ["text", "audio"]"#, "modalities"),
        (r#""modalities": "image""#, "modalities"),
        (r#""image_config": [1]"#, "image_config"),
        (
            r#""image_config": {"image_size": 2}"#,
            "image_config.image_size",
        ),
    ] {
        assert_eq!(gemini(members), Err(param.to_owned()), "{members}");
    }
}

#[test]
fn odd_pictures_are_passed_over_or_named() {
    let message = |image: &str| {
        let output = format!(r#"{{"role": "assistant", "content": "a", "images": [{image}]}}"#);
        let body = format!(r#"{{"model": "m", "messages": [{output}]}}"#);
        let request = Chat.read_request(body.as_bytes());
        request.map_err(|error| error.param().unwrap().to_owned())
    };
    for image in [
        r#"{"type": "hologram", "hologram": {}}"#,
        r#"{"image_url": {}}"#,
        r#"{"image_url": "data:,"}"#,
        "7",
    ] {
        let request = message(image).unwrap();
        let output = Output::Text("a".to_owned());
        assert_eq!(request.turns, [Turn::Assistant(vec![output])], "{image}");
    }
    let in_clear = message(r#"{"image_url": {"url": "data:image/png,x"}}"#);
    assert_eq!(
        in_clear,
        Err("messages[0].images[0].image_url.url".to_owned())
    );
    // Before it is complete there is nothing.
    let item = json!({"type": "image_generation_call", "id": "ig_1", "status": "in_progress"});
    let asked = json!({"model": "m", "input": [item, {"role": "user", "content": "x"}]});
    let request = Responses
        .read_request(asked.to_string().as_bytes())
        .unwrap();
    assert_eq!(request.turns.len(), 1);
}

#[test]
fn clients_without_a_place_for_images_get_the_rest() {
    let reply: Value = serde_json::from_slice(&Messages.write_reply(&drawn(), "m")).unwrap();
    let texts = reply["content"].as_array().unwrap().iter();
    let texts: Vec<&Value> = texts.filter(|block| block["type"] == "text").collect();
    assert_eq!(
        texts,
        [&json!({"type": "text", "text": "Here is the dot."})]
    );
}
