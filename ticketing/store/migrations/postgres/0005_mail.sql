-- +goose Up
-- E-mail grown up: tags, the address of a department, what waits for a person and why, files before they are sent, counts compared.
-- Every column has a default, so that the binary before this migration goes on working beside it.

ALTER TABLE tickets ADD COLUMN tags TEXT NOT NULL DEFAULT '';

ALTER TABLE departments ADD COLUMN address TEXT NOT NULL DEFAULT '';

-- Why an original waits for a person, as a code: error has the words.
ALTER TABLE originals ADD COLUMN reason TEXT NOT NULL DEFAULT '';

-- What did not arrive, so that lists can say so.
CREATE INDEX deliveries_undelivered ON deliveries (ticket_id) WHERE state IN ('failed', 'parked', 'bounced');

-- Files an agent has handed in and not sent yet. Those not used within a day are dropped.
CREATE TABLE uploads (
    id         TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    agent_id   TEXT COLLATE "C" NOT NULL REFERENCES agents (id),
    name       TEXT NOT NULL,
    type       TEXT NOT NULL,
    size       INTEGER NOT NULL,
    sha256     TEXT COLLATE "C" NOT NULL,
    created_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX uploads_created ON uploads (created_at);

-- Which contents are named, for the sweeping of those that are not.
CREATE INDEX attachments_sha256 ON attachments (sha256);
CREATE INDEX originals_sha256 ON originals (sha256) WHERE sha256 <> '';
CREATE INDEX uploads_sha256 ON uploads (sha256);

ALTER TABLE healths ADD COLUMN folder TEXT NOT NULL DEFAULT '';
ALTER TABLE healths ADD COLUMN alarm TEXT NOT NULL DEFAULT '';
ALTER TABLE healths ADD COLUMN stored_count INTEGER NOT NULL DEFAULT 0;
ALTER TABLE healths ADD COLUMN missing TEXT NOT NULL DEFAULT '';
ALTER TABLE healths ADD COLUMN counted_at TIMESTAMPTZ;
