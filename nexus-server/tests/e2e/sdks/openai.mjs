// OpenAI's client for Node: chat completions and Responses.
import OpenAI from "openai";

const [base, key, model] = process.argv.slice(2);
const client = new OpenAI({ baseURL: `${base}/v1`, apiKey: key, maxRetries: 0 });
const parameters = { type: "object", properties: { city: { type: "string" } }, required: ["city"] };
const told = {};

const said = [{ role: "user", content: "Hello there" }];
const first = await client.chat.completions.create({ model, messages: said });
told.chat = first.choices[0].message.content;
said.push(first.choices[0].message, { role: "user", content: "And again" });
told.turns = (await client.chat.completions.create({ model, messages: said })).choices[0].message.content;

told.stream = "";
for await (const chunk of await client.chat.completions.create({ model, messages: said, stream: true })) {
  told.stream += chunk.choices[0]?.delta?.content ?? "";
}

const tools = [{ type: "function", function: { name: "get_weather", parameters } }];
const asked = [{ role: "user", content: "How is it in Paris?" }];
const called = await client.chat.completions.stream({ model, messages: asked, tools }).finalMessage();
told.call = JSON.parse(called.tool_calls[0].function.arguments);
asked.push(called, { role: "tool", tool_call_id: called.tool_calls[0].id, content: "sunny" });
told.tools = (await client.chat.completions.create({ model, messages: asked, tools })).choices[0].message.content;

told.response = (await client.responses.create({ model, input: "Hello there" })).output_text;
const events = client.responses.stream({ model, input: "Hello there" });
told.responseStream = (await events.finalResponse()).output_text;
const responseTools = [{ type: "function", name: "get_weather", parameters, strict: false }];
const input = [{ role: "user", content: "How is it in Paris?" }];
const answer = await client.responses.create({ model, input, tools: responseTools });
const call = answer.output.find((item) => item.type === "function_call");
input.push(...answer.output, { type: "function_call_output", call_id: call.call_id, output: "sunny" });
told.responseTools = (await client.responses.create({ model, input, tools: responseTools })).output_text;

told.limited = await client.chat.completions
  .create({ model, messages: [{ role: "user", content: "limit me" }] })
  .catch((error) => [error.status, error.message.includes("slow down, please")]);
console.log(JSON.stringify(told));
