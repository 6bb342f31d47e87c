// The Vercel AI SDK, over its models for OpenAI (chat completions and Responses) and for Anthropic.
import { createAnthropic } from "@ai-sdk/anthropic";
import { createOpenAI } from "@ai-sdk/openai";
import { generateText, stepCountIs, streamText, tool } from "ai";
import { z } from "zod";

const [base, key, name] = process.argv.slice(2);
const openai = createOpenAI({ baseURL: `${base}/v1`, apiKey: key });
const anthropic = createAnthropic({ baseURL: `${base}/v1`, apiKey: key });
const models = { chat: openai.chat(name), responses: openai.responses(name), messages: anthropic(name) };

const told = {};
for (const [protocol, model] of Object.entries(models)) {
  const request = { model, maxRetries: 0, maxOutputTokens: 99 };
  const said = [{ role: "user", content: "Hello there" }];
  const first = await generateText({ ...request, messages: said });
  said.push({ role: "assistant", content: first.text }, { role: "user", content: "And again" });
  const turns = (await generateText({ ...request, messages: said })).text;
  let stream = "";
  for await (const word of streamText({ ...request, messages: said }).textStream) {
    stream += word;
  }
  let call;
  const weather = tool({
    description: "The weather.",
    inputSchema: z.object({ city: z.string() }),
    execute: async (input) => {
      call = input;
      return "sunny";
    },
  });
  const tools = await generateText({
    ...request,
    prompt: "How is it in Paris?",
    tools: { get_weather: weather },
    stopWhen: stepCountIs(3),
  });
  told[protocol] = { chat: first.text, turns, stream, call, tools: tools.text };
}
console.log(JSON.stringify(told));
