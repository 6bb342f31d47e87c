"""A chat over WebSocket, from Python. Needs `pip install websockets`.

    python examples/websocket/client.py ws://127.0.0.1:5231/ws/chat demo-key nexus-echo "Hello!"
"""

import asyncio
import json
import sys

from websockets.asyncio.client import connect


async def main(url: str, key: str, model: str, text: str) -> None:
    async with connect(url, additional_headers={"Authorization": f"Bearer {key}"}) as socket:
        request = {"model": model, "messages": [{"role": "user", "content": text}]}
        await socket.send(json.dumps({"type": "chat", "id": "a1", "request": request}))
        async for message in socket:
            frame = json.loads(message)
            if frame["type"] == "chunk":
                for choice in frame["data"]["choices"]:
                    print(choice["delta"].get("content") or "", end="", flush=True)
            elif frame["type"] == "done":
                print(f"\n{frame['finish_reason']}: {frame['usage']}")
                return
            elif frame["type"] == "error":
                sys.exit(f"{frame['error']['code']}: {frame['error']['message']}")


if __name__ == "__main__":
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    asyncio.run(main(*sys.argv[1:]))
