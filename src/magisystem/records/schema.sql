-- What the migrations leave an empty SQLite file with, so that making one loads neither Alembic nor SQLAlchemy.
-- Changed together with `tables.py` and a new migration, whose revision is the last line; tests compare them.

-- "MAGR", as in sqlite_file.py.
PRAGMA application_id = 0x4D414752;

CREATE TABLE alembic_version (
    version_num VARCHAR(32) NOT NULL,
    CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);

CREATE TABLE deliberations (
    "row" INTEGER NOT NULL,
    id TEXT NOT NULL,
    owner TEXT NOT NULL,
    session_id TEXT NOT NULL,
    mode TEXT NOT NULL,
    council_id TEXT NOT NULL,
    status TEXT NOT NULL,
    outcome TEXT,
    decision TEXT,
    confidence FLOAT,
    started_ms BIGINT NOT NULL,
    ended_ms BIGINT,
    question TEXT NOT NULL,
    summary TEXT,
    answer TEXT,
    text TEXT NOT NULL,
    PRIMARY KEY ("row"),
    UNIQUE (id)
);

CREATE INDEX deliberations_by_time ON deliberations (owner, started_ms, id);

CREATE INDEX deliberations_by_session ON deliberations (owner, session_id, started_ms, id);

CREATE VIRTUAL TABLE deliberations_text
USING fts5 (text, content = 'deliberations', content_rowid = 'row', tokenize = 'trigram');

CREATE TRIGGER deliberations_inserted AFTER INSERT ON deliberations BEGIN
    INSERT INTO deliberations_text (rowid, text) VALUES (new.row, new.text);
END;

CREATE TRIGGER deliberations_deleted AFTER DELETE ON deliberations BEGIN
    INSERT INTO deliberations_text (deliberations_text, rowid, text) VALUES ('delete', old.row, old.text);
END;

CREATE TRIGGER deliberations_updated AFTER UPDATE OF text ON deliberations WHEN old.text <> new.text BEGIN
    INSERT INTO deliberations_text (deliberations_text, rowid, text) VALUES ('delete', old.row, old.text);
    INSERT INTO deliberations_text (rowid, text) VALUES (new.row, new.text);
END;

CREATE TABLE titles (
    owner TEXT NOT NULL,
    id TEXT NOT NULL,
    title TEXT NOT NULL,
    PRIMARY KEY (owner, id)
);

CREATE TABLE councils (
    owner TEXT NOT NULL,
    id TEXT NOT NULL,
    council TEXT NOT NULL,
    PRIMARY KEY (owner, id)
);

INSERT INTO alembic_version VALUES ('0003');
