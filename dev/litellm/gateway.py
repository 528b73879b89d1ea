"""The keys and the spend log of a LiteLLM proxy without a database, for `npm run test:litellm` and the demo.

LiteLLM builds and prices the rows of its spend log. Only the insert into its table LiteLLM_SpendLogs is replaced: the
row is appended to a file, as `/spend/logs/v2` would return it.
"""

import json
import os
from datetime import datetime, timedelta

from fastapi import Request
from litellm.proxy._types import LitellmUserRoles, UserAPIKeyAuth
from litellm.proxy.db.db_spend_update_writer import DBSpendUpdateWriter
from litellm.proxy.hooks.proxy_track_cost_callback import _ProxyDBLogger

MASTER_KEY = os.environ["LITELLM_MASTER_KEY"]
SPEND_LOG = os.environ["ARCADIA_SPEND_LOG"]

with open(os.environ["ARCADIA_LITELLM_KEYS"], encoding="utf-8") as file:
    KEYS = json.load(file)


async def user_api_key_auth(request: Request, api_key: str) -> UserAPIKeyAuth:
    if api_key == MASTER_KEY:
        return UserAPIKeyAuth(api_key=api_key, user_role=LitellmUserRoles.PROXY_ADMIN)
    if api_key not in KEYS:
        raise Exception("there is no such key")
    return UserAPIKeyAuth(api_key=api_key, **KEYS[api_key])


# The columns of `/spend/logs/v2`, but for those that it leaves out because they are large.
LARGE = {"messages", "response", "proxy_server_request"}


def to_milliseconds(instant: str) -> str:
    """The column's type is timestamp(3)."""
    rounded = datetime.fromisoformat(instant) + timedelta(microseconds=500)
    return rounded.replace(microsecond=rounded.microsecond // 1000 * 1000).isoformat(timespec="milliseconds")


async def append_row(self, payload, prisma_client=None, *_, **__):
    row = {name: value for name, value in dict(payload).items() if name not in LARGE}
    row["metadata"] = json.loads(row["metadata"])
    row["startTime"] = to_milliseconds(row["startTime"])
    row["endTime"] = to_milliseconds(row["endTime"])
    line = json.dumps(row, default=str) + "\n"
    file = os.open(SPEND_LOG, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        os.write(file, line.encode())
    finally:
        os.close(file)
    return prisma_client


async def do_nothing(self, *_, **__):
    return None


DBSpendUpdateWriter._insert_spend_log_to_db = append_row
DBSpendUpdateWriter._batch_database_updates = do_nothing

# LiteLLM adds it only where it has a database.
spend_log = _ProxyDBLogger()
