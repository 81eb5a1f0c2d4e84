"""A plain client of the gateway: urllib and lxml, one request after the other.

Prints how many rows a second it turned into Python values, and the microseconds of the
CPU that a row took of this process.
"""

import sys
import time
import urllib.parse
import urllib.request

from lxml import etree

URL, USER, PASSWORD, TABLE, WINDOW = sys.argv[1:5] + [int(sys.argv[5])]


def call(api, credentials, body=""):
    query = urllib.parse.urlencode({"api": api, "apiversion": "3", **credentials})
    request = urllib.request.Request(
        f"{URL}?{query}", data=body.encode(), headers={"Content-Type": "text/xml"}
    )
    with urllib.request.urlopen(request) as response:
        out = etree.fromstring(response.read())
    if out.findtext("rc") != "0":
        raise SystemExit(f"{api}: {out.findtext('msg')}")
    return out


def number(text):
    return int(text) if text else None


def decimal(text):
    return float(text) if text else None


def text(value):
    return value or ""


KINDS = {"i": number, "j": number, "f": decimal, "a": text}

session = call("login", {"uid": USER, "pswd": PASSWORD, "kill": "yes"})
credentials = {"uid": USER, "pswd": session.findtext("pswd"), "sid": session.findtext("sid")}
began, cpu = time.perf_counter(), time.process_time()
result = call("query", credentials, f"<in><name>{TABLE}</name><ops/></in>")
count = int(result.findtext("nrows"))
heads = result.findall("table/cols/th")
cols = "".join(f"<col>{head.get('name')}</col>" for head in heads)
kinds = [KINDS[head.get("type")] for head in heads]
rows = 0
for first in range(1, count + 1, WINDOW):
    window = f'<rows mode="2"><from>{first}</from><to>{min(first + WINDOW - 1, count)}</to></rows>'
    body = f'<in><cols>{cols}</cols>{window}<format type="xml" values="raw"/></in>'
    for row in call("getdata", credentials, body).iterfind("table/data/tr"):
        values = [kind(cell.text) for kind, cell in zip(kinds, row)]
        rows += 1
seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
call("logout", credentials)
assert rows == count, f"{rows} of {count} rows"
print(rows / seconds, cpu / rows * 1e6)
