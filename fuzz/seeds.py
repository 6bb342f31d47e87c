#!/usr/bin/env python3
"""Makes the inputs that fuzzing starts from, in `seeds`, of the texts that the tests read."""

import pathlib

HERE = pathlib.Path(__file__).parent
TRANSLATE = HERE.parent / "nexus-lib/src/translate"
CLIENTS = ["chat", "messages", "responses"]
PROVIDERS = ["chat", "messages", "responses", "gemini", "ollama"]


def seed(target: str, name: str, data: bytes) -> None:
    folder = HERE / "seeds" / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(data)


def main() -> None:
    for path in sorted(TRANSLATE.glob("*/fixtures/*")):
        name, protocol, data = path.name, path.parent.parent.name, path.read_bytes()
        seed_name = f"{protocol}_{name}"
        if "request" in name:
            # Those in other protocols' folders say whose they are.
            client = name.split("_")[0] if name.split("_")[0] in CLIENTS else protocol
            if client in CLIENTS:
                seed("requests", seed_name, bytes([CLIENTS.index(client)]) + data)
                seed("json", seed_name, data)
        elif name.startswith("reply") or name.startswith("error"):
            seed("answers", seed_name, bytes([PROVIDERS.index(protocol) * 3, 7]) + data)
        else:
            seed("answers", seed_name, bytes([PROVIDERS.index(protocol) * 3 + 1, 7]) + data)
            if protocol in CLIENTS:
                kind = {"chat": 0, "messages": 2, "responses": 3}[protocol]
                seed("answers", f"passing_{seed_name}", bytes([kind * 3 + 2, 7]) + data)
            seed("sse", seed_name, b"\x05" + data)

    seed("json", "options.json", b'{"messages":[],"model":"m","stream":true,"stream_options":{"a":1}}')
    seed("json", "usage_off.json", b'{ "model" : "m\\u00e9" ,"messages":[ ],"stream":true,"stream_options":{"include_usage":false} }')
    seed("json", "list.json", b'[1,-0.5e+3,"\\ud83d\\ude00",{"a":[]},null,true]')
    seed("json", "usage.json", b'{"prompt_tokens":3,"completion_tokens":5,"total_tokens":8,"prompt_tokens_details":{"cached_tokens":1}}')
    seed("sse", "odd", b"\x03\xef\xbb\xbf: hi\r\ndata:a\rdata\n\nevent: x\nid: 1\n\ndata: \xe4\xbd\xa0\r\n\r\ndata: end")

    answers = [
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\nx: y\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.0 200 OK\r\nA: b\r\n\r\nuntil close",
        b"HTTP/1.1 204 No Content\nA: b\n\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\nContent-Length: 3\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    ]
    for at, answer in enumerate(answers):
        seed("http1", f"answer_{at}", bytes([0, 3]) + answer)
    requests = [
        b"POST / HTTP/1.1\r\nhost: a\r\nContent-Length: 5\r\n\r\nhelloGET / HTTP/1.1\r\nhost: a\r\n\r\n",
        b"POST / HTTP/1.1\r\nhost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        b"\r\nPOST / HTTP/1.1\r\ncontent-length: 3\r\ncontent-length: 3\r\n\r\nabc",
        b"GET / HTTP/1.1\nhost: a\n\n",
    ]
    for at, request in enumerate(requests):
        seed("http1", f"request_{at}", bytes([1, 3]) + request)

    urls = [b"https://api.example.com/v1/", b"http://[::1]:8080/openai/v2?x=y#", b"https://a.example:443#"]
    for at, url in enumerate(urls):
        seed("addresses", f"base_{at}", b"\x00\x00" + url)
    proxies = [b"http://a.example:3128, socks5h://u:s%40cret-and-more@b.example", b"socks5://[::1]:9/"]
    for at, proxy in enumerate(proxies):
        seed("addresses", f"proxies_{at}", b"\x01\x00" + proxy)
    socks = [
        b"\x05\x00\x05\x00\x00\x01\x7f\x00\x00\x01\x01\xbbrest",
        b"\x05\x02\x01\x00\x05\x00\x00\x03\x01a\x01\xbb",
        b"\x05\x00\x05\x00\x00\x04" + bytes(18),
    ]
    for at, bytes_ in enumerate(socks):
        seed("addresses", f"socks_{at}", b"\x02\x01" + bytes_)
    form = (
        b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\n--b \0\r\n'
        b'--b\r\ncontent-disposition: form-data; name=model\r\n\r\nwhisper-1\r\n'
        b'--b\r\nContent-Disposition: form-data; name="stream"\r\n\r\ntrue\r\n--b--\r\n'
    )
    seed("addresses", "form_0", b"\x03\x00" + form)
    seed("addresses", "form_1", b'\x03\x01multipart/form-data; charset=x; boundary="b"\n' + form)


if __name__ == "__main__":
    main()
