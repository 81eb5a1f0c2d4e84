"""Writes sqlalchemy_urls.json: what SQLAlchemy makes of database URLs.

    python3 -m venv venv && venv/bin/pip install sqlalchemy==2.1.9
    venv/bin/python sqlalchemy_urls.py > sqlalchemy_urls.json
"""

import json

import sqlalchemy
from sqlalchemy.engine import URL, make_url

PARSED = [
    "postgresql://scott:tiger@localhost/test",
    "postgresql+psycopg2://scott:tiger@localhost:5432/test",
    "postgresql+asyncpg://scott@db.example/test",
    "mysql+pymysql://scott:tiger@db.example/test?charset=utf8mb4",
    "mariadb+mariadbconnector://scott@127.0.0.1:3307/test",
    "mssql+pyodbc://scott:tiger@mydsn",
    "my_dialect+my_driver2://h",
    "postgresql://",
    "postgresql:///",
    "postgresql:///test",
    "postgresql://localhost",
    "postgresql://localhost/",
    "postgresql://localhost:5432",
    "postgresql://scott@localhost",
    "postgresql://scott:@localhost",
    "postgresql://:tiger@localhost",
    "postgresql://@localhost",
    "postgresql://:@localhost",
    "postgresql://scott:tiger@/test",
    "postgresql://scott:tiger@",
    "postgresql://scott:ti%40ger@localhost/test",
    "postgresql://scott:ti%2Fger@localhost/test",
    "postgresql://scott:ti/ger@localhost/test",
    "postgresql://scott:ti:ger@localhost/test",
    "postgresql://scott:ti?ger@localhost/test",
    "postgresql://scott:ti#ger@localhost/test",
    "postgresql://scott:ti ger@localhost/test",
    "postgresql://scott:ti+ger@localhost/test",
    "postgresql://scott:50%off@localhost/test",
    "postgresql://scott:100%@localhost/test",
    "postgresql://scott:p%C3%A4ss@localhost/test",
    "postgresql://scott:p\u00e4ss@localhost/test",
    "postgresql://sc%40tt:tiger@localhost/test",
    "postgresql://sc%3Att:tiger@localhost/test",
    "postgresql://sc@tt:tiger@localhost/test",
    "postgresql://[::1]/test",
    "postgresql://[fe80::1]:5432/test",
    "postgresql://scott:tiger@[2001:db8::7]:5432/test",
    "postgresql://h/my%20db",
    "postgresql://h/my db",
    "postgresql://h/my+db",
    "postgresql://h/a/b",
    "postgresql://h/my%3Fdb",
    "postgresql://h/my%2Fdb",
    "postgresql://h/my#db",
    "postgresql://h/test?sslmode=verify-full",
    "postgresql://h/test?b=2&a=1",
    "postgresql://h/test?host=h1:1&host=h2:2&host=h3:3",
    "postgresql://h/test?host=h1,h2&port=1,2",
    "postgresql:///test?host=/var/run/postgresql",
    "postgresql://h/test?options=-c%20statement_timeout%3D5000",
    "postgresql://h/test?application_name=my+app",
    "postgresql://h/test?application_name=my%2Bapp",
    "postgresql://h/test?k=a%26b",
    "postgresql://h/test?k=a=b",
    "postgresql://h/test?k=a?b",
    "postgresql://h/test?k=a/b",
    "postgresql://h/test?k=%C3%A9",
    "postgresql://h?k=v",
    "postgresql://h/?k=v",
    "postgresql://?k=v",
    "postgresql://h/test?",
    "postgresql://h/test?&k=v&",
    "postgresql://h/test?k=v;l=w",
    "sqlite://",
    "sqlite:///",
    "sqlite:///:memory:",
    "sqlite:///foo.db",
    "sqlite:///folder/foo.db",
    "sqlite:////absolute/foo.db",
    "sqlite:///C:/path/to/foo.db",
    "sqlite+pysqlite:///foo.db?timeout=30",
    "sqlite:///file:path/foo.db?mode=ro&uri=true",
    "sqlite:///file:shop?mode=memory&cache=shared&uri=true",
    "sqlite:////srv/m%C3%A4rz 100%25.db",
    # What it refuses, and where ours differs.
    "",
    "postgresql",
    "postgresql:",
    "postgresql:/h",
    "postgresql-x://h",
    "postgresql.x://h",
    "://h",
    "postgresql://h:x/test",
    "postgresql://h:/test",
    "postgresql://h:99999/test",
    "postgresql://h:-1/test",
    "postgresql://h:5432/test?k=a@b",
    "postgresql://u:p@w@h/test",
    "postgresql://h/test?k=",
    "postgresql://h/test?k",
    "postgresql://scott:p%FFss@localhost/test",
    "postgresql://h%41/test",
    "postgresql://%2Ftmp/test",
    "postgresql://[::1/test",
]

CREATED = [
    dict(drivername="postgresql", username="scott", password="tiger", host="h"),
    dict(drivername="postgresql", username="s@c/o:t%t?#", password="t@i/g:e%r?#", host="h", database="d"),
    dict(drivername="postgresql", username="a b+c", password="d e+f", host="h"),
    dict(drivername="postgresql", username="\u00fcser", password="p\u00e4ss w\u00f6rd", host="h"),
    dict(drivername="postgresql", username="u", password="", host="h"),
    dict(drivername="postgresql", username="", host="h"),
    dict(drivername="postgresql", username="u", password="[x]&=$;,!*'()~._-", host="h"),
    dict(drivername="postgresql", host="::1", port=5432, database="d"),
    dict(drivername="postgresql", database="a b/c?d#e%f+g"),
    dict(drivername="postgresql", database=""),
    dict(drivername="postgresql", database="d", query={"host": ["h1:1", "h2:2"], "application_name": "a b&c=d+e/f"}),
    dict(drivername="postgresql", database="d", query={"z": "1", "a": "2", "m": ["4", "3"]}),
    dict(drivername="sqlite", database="foo.db"),
    dict(drivername="sqlite", database="/srv/foo.db"),
    dict(drivername="sqlite", database=":memory:"),
]


def parts(url):
    return {
        "drivername": url.drivername,
        "username": url.username,
        "password": url.password,
        "host": url.host,
        "port": url.port,
        "database": url.database,
        "query": {key: list(values) for key, values in url.normalized_query.items()},
        "rendered": url.render_as_string(hide_password=False),
        "masked": str(url),
    }


def parsed(text):
    try:
        return {"url": text, "parts": parts(make_url(text, keep_blank_values=True))}
    except Exception as error:
        return {"url": text, "refused": type(error).__name__}


print(
    json.dumps(
        {
            "source": f"SQLAlchemy {sqlalchemy.__version__}, by sqlalchemy_urls.py",
            "parsed": [parsed(text) for text in PARSED],
            "created": [parts(URL.create(**given)) for given in CREATED],
        },
        indent=1,
        ensure_ascii=False,
    )
)
