// Anthropic's client for Node.
import Anthropic from "@anthropic-ai/sdk";

const [base, key, model] = process.argv.slice(2);
const client = new Anthropic({ baseURL: base, apiKey: key, maxRetries: 0 });
const request = { model, max_tokens: 99 };
const text = (message) => message.content.map((block) => block.text ?? "").join("");
const told = {};

const said = [{ role: "user", content: "Hello there" }];
const first = await client.messages.create({ ...request, messages: said });
told.chat = text(first);
said.push({ role: "assistant", content: first.content }, { role: "user", content: "And again" });
told.turns = text(await client.messages.create({ ...request, messages: said }));
told.stream = text(await client.messages.stream({ ...request, messages: said }).finalMessage());

const input_schema = { type: "object", properties: { city: { type: "string" } }, required: ["city"] };
const tools = [{ name: "get_weather", input_schema }];
const asked = [{ role: "user", content: "How is it in Paris?" }];
const called = await client.messages.stream({ ...request, messages: asked, tools }).finalMessage();
const call = called.content.find((block) => block.type === "tool_use");
told.call = call.input;
const result = { type: "tool_result", tool_use_id: call.id, content: "sunny" };
asked.push({ role: "assistant", content: called.content }, { role: "user", content: [result] });
told.tools = text(await client.messages.create({ ...request, messages: asked, tools }));

told.limited = await client.messages
  .create({ ...request, messages: [{ role: "user", content: "limit me" }] })
  .catch((error) => [error.status, error.message.includes("slow down, please")]);
console.log(JSON.stringify(told));
