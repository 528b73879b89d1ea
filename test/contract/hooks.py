"""What schemathesis doesn't know by itself: a stream of lines."""

import json

import schemathesis

NDJSON = "application/x-ndjson"


@schemathesis.serializer(NDJSON)
def one_line(ctx, value):
    """A body is tried as a stream of one line; what isn't made of JSON goes as it is."""
    if isinstance(value, (bytes, str)):
        return value if isinstance(value, bytes) else value.encode()
    return json.dumps(value).encode() + b"\n"


@schemathesis.deserializer(NDJSON)
def last_line(ctx, response):
    """The schema is that of each line: the last one is the summary or the problem."""
    return json.loads(response.content.decode().splitlines()[-1])
