"""Upstreams that speak a provider's own protocol, and are as strict about it as the provider is.

What they answer is a script's to say: by default they call the tool `get_weather` when that is offered, tell the
result when there is one, and else repeat what they were sent. What the provider would refuse they refuse, in its words.
"""

from dialects.anthropic import Anthropic
from dialects.gemini import Gemini
from dialects.ollama import Ollama
from dialects.openai import Groq, OpenAi
from dialects.server import KEY, DialectServer
from dialects.talk import Asked, Call, Said, weather

# Those that every SDK is tried with.
DIALECTS = ("openai", "anthropic", "gemini")

__all__ = [
    "DIALECTS", "KEY", "Anthropic", "Asked", "Call", "DialectServer", "Gemini", "Groq", "Ollama", "OpenAi", "Said", "weather",
]
