-- +goose Up
-- The whole record of a citizen. Every new column has a default, so that the binary before this migration goes on working beside it.
ALTER TABLE citizens ADD COLUMN provisional BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE citizens ADD COLUMN birth_date TEXT NOT NULL DEFAULT '';
ALTER TABLE citizens ADD COLUMN preferred_channel TEXT NOT NULL DEFAULT '';
ALTER TABLE citizens ADD COLUMN no_digital BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE citizens ADD COLUMN siren TEXT NOT NULL DEFAULT '';
ALTER TABLE citizens ADD COLUMN siret TEXT NOT NULL DEFAULT '';
ALTER TABLE citizens ADD COLUMN rna TEXT NOT NULL DEFAULT '';
ALTER TABLE citizens ADD COLUMN restricted_at DATETIME;
ALTER TABLE citizens ADD COLUMN sounds TEXT NOT NULL DEFAULT '';
CREATE INDEX citizens_sounds ON citizens (sounds) WHERE sounds <> '';
CREATE INDEX citizens_merged ON citizens (merged_into) WHERE merged_into IS NOT NULL;
ALTER TABLE contacts ADD COLUMN verified_how TEXT NOT NULL DEFAULT '';
ALTER TABLE contacts ADD COLUMN verified_at DATETIME;
ALTER TABLE requests ADD COLUMN citizen_id TEXT NOT NULL DEFAULT '';

-- Where a citizen lives or has her seat.
CREATE TABLE addresses (
    id           TEXT NOT NULL PRIMARY KEY,
    citizen_id   TEXT NOT NULL REFERENCES citizens (id),
    label        TEXT NOT NULL,
    complement   TEXT NOT NULL,
    street       TEXT NOT NULL,
    postcode     TEXT NOT NULL,
    city         TEXT NOT NULL,
    country      TEXT NOT NULL,
    verified     BOOLEAN NOT NULL,
    verified_how TEXT NOT NULL,
    verified_at  DATETIME,
    search       TEXT NOT NULL, -- street, postcode and city, folded
    created_at   DATETIME NOT NULL
);
CREATE INDEX addresses_citizen ON addresses (citizen_id);
CREATE INDEX addresses_search ON addresses (search);

-- Channels a citizen does not want to be written to by.
CREATE TABLE channel_refusals (
    citizen_id TEXT NOT NULL REFERENCES citizens (id),
    channel    TEXT NOT NULL,
    at         DATETIME NOT NULL,
    agent_id   TEXT REFERENCES agents (id),
    PRIMARY KEY (citizen_id, channel)
);

-- Who is what to whom: from_id is a member of the household, the guardian of, the representative of or the agent of to_id.
CREATE TABLE relations (
    id         TEXT NOT NULL PRIMARY KEY,
    from_id    TEXT NOT NULL REFERENCES citizens (id),
    to_id      TEXT NOT NULL REFERENCES citizens (id),
    kind       TEXT NOT NULL CHECK (kind IN ('member', 'guardian', 'represents', 'mandated')),
    since      TEXT NOT NULL, -- a date, or empty
    until      TEXT NOT NULL,
    agent_id   TEXT REFERENCES agents (id),
    created_at DATETIME NOT NULL
);
CREATE INDEX relations_from ON relations (from_id);
CREATE INDEX relations_to ON relations (to_id);

-- What agents write on a record, for all or for one department.
CREATE TABLE citizen_notes (
    id         TEXT NOT NULL PRIMARY KEY,
    citizen_id TEXT NOT NULL REFERENCES citizens (id),
    agent_id   TEXT NOT NULL REFERENCES agents (id),
    department TEXT NOT NULL, -- empty: whoever may read the record
    text       TEXT NOT NULL,
    created_at DATETIME NOT NULL
);
CREATE INDEX citizen_notes_citizen ON citizen_notes (citizen_id, created_at);

-- Pairs an agent said are not the same person, the smaller id first.
CREATE TABLE distincts (
    one_id   TEXT NOT NULL REFERENCES citizens (id),
    other_id TEXT NOT NULL REFERENCES citizens (id),
    agent_id TEXT REFERENCES agents (id),
    at       DATETIME NOT NULL,
    PRIMARY KEY (one_id, other_id)
);
CREATE INDEX distincts_other ON distincts (other_id);

-- A merge, and all that is needed to undo it: what both records were, and which rows followed.
CREATE TABLE merges (
    id          TEXT NOT NULL PRIMARY KEY,
    into_id     TEXT NOT NULL REFERENCES citizens (id),
    from_id     TEXT NOT NULL REFERENCES citizens (id),
    reason      TEXT NOT NULL,
    agent_id    TEXT NOT NULL REFERENCES agents (id),
    at          DATETIME NOT NULL,
    before      TEXT NOT NULL, -- the fields of the surviving record that it changed, as JSON: what they were and became
    undone_at   DATETIME,
    undone_by   TEXT REFERENCES agents (id),
    undo_reason TEXT NOT NULL
);
CREATE INDEX merges_into ON merges (into_id);
CREATE INDEX merges_from ON merges (from_id);
CREATE TABLE merge_moves (
    merge_id TEXT NOT NULL REFERENCES merges (id),
    noun     TEXT NOT NULL, -- ticket, call, contact, address, …
    row_id   TEXT NOT NULL,
    PRIMARY KEY (merge_id, noun, row_id)
);
