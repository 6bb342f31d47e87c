// The Vercel AI SDK with its default model for OpenAI, which names what was said by the ids of the answers' items.
import { createOpenAI } from "@ai-sdk/openai";
import { generateText, stepCountIs, tool } from "ai";
import { z } from "zod";

const [base, key, name] = process.argv.slice(2);
const model = createOpenAI({ baseURL: `${base}/v1`, apiKey: key })(name);
const read = tool({
  description: "Reads a note.",
  inputSchema: z.object({ name: z.string() }),
  execute: async () => "the harbour master signs at noon",
});
const request = { model, maxRetries: 0, tools: { read_note: read }, stopWhen: stepCountIs(4) };

const messages = [{ role: "user", content: "What does note.txt say?" }];
const first = await generateText({ ...request, messages });
messages.push(...first.response.messages, { role: "user", content: "And again?" });
const second = await generateText({ ...request, messages });
console.log(JSON.stringify({ first: first.text, second: second.text, steps: first.steps.length }));
