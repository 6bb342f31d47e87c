// A streamed chat over the admin port.
import { errorOf, get, send, ApiError, ConnectionLost } from "../api.js";

/** The data of each server-sent event of a response, as it arrives. */
async function* events(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    // A lone CR at the end may be half of a CRLF: it waits for what follows.
    text += value;
    const isHalf = text.endsWith("\r");
    const whole = (isHalf ? text.slice(0, -1) : text).replaceAll("\r\n", "\n").replaceAll("\r", "\n");
    const blocks = whole.split("\n\n");
    text = blocks.pop() + (isHalf ? "\r" : "");
    for (const block of blocks) {
      const data = block.split("\n").filter((line) => line.startsWith("data:")).map((line) => line.slice(5).replace(/^ /, ""));
      if (data.length) yield data.join("\n");
    }
  }
}

const textOf = (value) => (typeof value === "string" ? value : "");

/**
 * Chats. `onStart` gets the ids once the answer begins, `onText(text, thought)` each piece of it. Resolves
 * when the answer is whole; rejects with what went wrong, or an `AbortError` when `signal` stopped it.
 */
export async function chat({ body, conversation, signal, onStart, onText }) {
  const headers = conversation ? { "x-conversation-id": conversation } : {};
  const asked = { ...body, stream: true, stream_options: { include_usage: true } };
  const response = await send("POST", "playground/chat", { body: asked, headers, signal });
  onStart({
    request: response.headers.get("x-request-id"),
    conversation: response.headers.get("x-conversation-id"),
    provider: response.headers.get("x-nexus-provider"),
  });
  if (!response.ok) throw await errorOf(response);
  if (!response.headers.get("content-type")?.startsWith("text/event-stream")) {
    // Some upstreams answer whole, whatever they are asked for.
    const message = (await response.json()).choices?.[0]?.message;
    onText(textOf(message?.content), textOf(message?.reasoning_content ?? message?.reasoning));
    return;
  }
  let isWhole = false;
  try {
    for await (const data of events(response)) {
      if (data === "[DONE]") { isWhole = true; continue; }
      let chunk;
      try { chunk = JSON.parse(data); } catch { continue; }
      if (chunk.error) throw new ApiError(response.status, chunk.error);
      const delta = chunk.choices?.[0]?.delta;
      const text = textOf(delta?.content);
      const thought = textOf(delta?.reasoning_content ?? delta?.reasoning);
      if (text || thought) onText(text, thought);
      if (chunk.choices?.[0]?.finish_reason) isWhole = true;
    }
  } catch (error) {
    if (error instanceof ApiError || error.name === "AbortError") throw error;
    throw new ConnectionLost();
  }
  if (!isWhole) throw new ConnectionLost();
}

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** The ledger's row of a request and its conversation's sums, once it is settled. */
export async function settled(ids) {
  for (let wait = 50; wait < 4000; wait *= 2) {
    const totals = await get(`stats/conversation/${encodeURIComponent(ids.conversation)}`).catch((error) => {
      if (error.status === 404) return null; // a cancelled one may not be written yet
      throw error;
    });
    const row = totals?.requests.find((one) => one.request_id === ids.request);
    if (row && row.state !== "open") return { row, total: totals.total_tokens };
    await sleep(wait);
  }
  return null;
}
