// An upstream of OpenAI's protocol that answers as it is told to.
import { createServer } from "node:http";
import { once } from "node:events";

export const USAGE = { prompt_tokens: 12, completion_tokens: 5, total_tokens: 17 };

/**
 * Serves until it is closed. `words` is what each answer says, `pace` what it waits for before each; both may
 * be changed. A model called `slow` never comes to an end: `dropped` awaits that its client leaves. One called `whole`
 * does not stream, one called `broken` answers 400.
 */
export async function upstream(words, models) {
  const state = { words, models, dropped: null, pace: async () => {} };
  const server = createServer(async (request, response) => {
    if (request.url.endsWith("/models")) {
      response.setHeader("content-type", "application/json");
      response.end(JSON.stringify({ object: "list", data: state.models.map((id) => ({ id, object: "model" })) }));
      return;
    }
    let text = "";
    for await (const piece of request) text += piece;
    const asked = JSON.parse(text);
    if (asked.model === "broken") {
      response.writeHead(400, { "content-type": "application/json" });
      response.end(JSON.stringify({ error: { message: "this model is broken", type: "invalid_request_error", param: null, code: "model_broken" } }));
      return;
    }
    await state.pace();
    const base = { id: "c1", created: 1, model: asked.model };
    if (!asked.stream || asked.model === "whole") {
      response.setHeader("content-type", "application/json");
      const message = { role: "assistant", content: state.words.join("") };
      response.end(JSON.stringify({ ...base, object: "chat.completion", choices: [{ index: 0, message, finish_reason: "stop" }], usage: USAGE }));
      return;
    }
    response.setHeader("content-type", "text/event-stream");
    const send = (value) => response.write(`data: ${typeof value === "string" ? value : JSON.stringify(value)}\n\n`);
    const chunk = (delta, finish_reason = null) => ({ ...base, object: "chat.completion.chunk", choices: [{ index: 0, delta, finish_reason }] });
    for (const word of state.words) {
      send(chunk({ content: word }));
      await state.pace();
    }
    if (asked.model === "slow") {
      state.dropped = once(response, "close");
      return;
    }
    send(chunk({}, "stop"));
    if (asked.stream_options?.include_usage) send({ ...base, object: "chat.completion.chunk", choices: [], usage: USAGE });
    send("[DONE]");
    response.end();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  state.url = `http://127.0.0.1:${server.address().port}/v1`;
  state.close = () => { server.closeAllConnections(); server.close(); };
  return state;
}
