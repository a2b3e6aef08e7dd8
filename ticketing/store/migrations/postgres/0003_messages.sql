-- +goose Up
-- What was said: originals as they came, messages as they are read, and what is still to be sent.

CREATE TABLE originals (
    id          TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    channel     TEXT COLLATE "C" NOT NULL,
    key         TEXT COLLATE "C" NOT NULL,
    line        TEXT COLLATE "C" NOT NULL,
    raw         BYTEA,
    sha256      TEXT COLLATE "C" NOT NULL,
    size        INTEGER NOT NULL,
    state       TEXT COLLATE "C" NOT NULL CHECK (state IN ('filed', 'quarantined')),
    error       TEXT NOT NULL,
    received_at TIMESTAMPTZ NOT NULL,
    created_at  TIMESTAMPTZ NOT NULL
);
CREATE UNIQUE INDEX originals_key ON originals (channel, key);
CREATE INDEX originals_quarantined ON originals (received_at) WHERE state = 'quarantined';

CREATE TABLE copies (
    mailbox      TEXT COLLATE "C" NOT NULL,
    uid_validity BIGINT NOT NULL,
    uid          BIGINT NOT NULL,
    channel      TEXT COLLATE "C" NOT NULL,
    key          TEXT COLLATE "C" NOT NULL,
    at           TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (mailbox, uid_validity, uid)
);
CREATE INDEX copies_original ON copies (channel, key);

CREATE TABLE messages (
    id           TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    ticket_id    TEXT COLLATE "C" NOT NULL REFERENCES tickets (id),
    direction    TEXT COLLATE "C" NOT NULL CHECK (direction IN ('in', 'out', 'note')),
    channel      TEXT COLLATE "C" NOT NULL,
    line         TEXT COLLATE "C" NOT NULL,
    from_name    TEXT NOT NULL,
    from_value   TEXT COLLATE "C" NOT NULL,
    reply_to     TEXT COLLATE "C" NOT NULL,
    "to"         TEXT NOT NULL,
    cc           TEXT NOT NULL,
    subject      TEXT NOT NULL,
    text         TEXT NOT NULL,
    html         TEXT NOT NULL,
    folded       INTEGER NOT NULL,
    automatic    TEXT COLLATE "C" NOT NULL,
    silent       TEXT COLLATE "C" NOT NULL,
    external_id  TEXT COLLATE "C" NOT NULL,
    "references" TEXT NOT NULL,
    original_id  TEXT COLLATE "C" REFERENCES originals (id),
    agent_id     TEXT COLLATE "C" REFERENCES agents (id),
    stranger     BOOLEAN NOT NULL,
    warnings     TEXT NOT NULL,
    at           TIMESTAMPTZ NOT NULL,
    created_at   TIMESTAMPTZ NOT NULL
);
CREATE INDEX messages_ticket ON messages (ticket_id, at, id);
CREATE INDEX messages_external ON messages (external_id, channel) WHERE external_id <> '';
CREATE INDEX messages_original ON messages (original_id) WHERE original_id IS NOT NULL;
-- Whom a machine has written to, and when: no address is answered too often.
CREATE INDEX messages_acknowledged ON messages ((nullif("to", '')::jsonb -> 0 ->> 'value'), at) WHERE direction = 'out' AND automatic <> '';

CREATE TABLE attachments (
    id         TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    message_id TEXT COLLATE "C" NOT NULL REFERENCES messages (id),
    position   INTEGER NOT NULL,
    name       TEXT NOT NULL,
    type       TEXT COLLATE "C" NOT NULL,
    size       INTEGER NOT NULL,
    sha256     TEXT COLLATE "C" NOT NULL,
    content_id TEXT COLLATE "C" NOT NULL,
    inline     BOOLEAN NOT NULL
);
CREATE INDEX attachments_message ON attachments (message_id, position);

CREATE TABLE deliveries (
    id               TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    message_id       TEXT COLLATE "C" NOT NULL REFERENCES messages (id),
    ticket_id        TEXT COLLATE "C" NOT NULL REFERENCES tickets (id),
    channel          TEXT COLLATE "C" NOT NULL,
    state            TEXT COLLATE "C" NOT NULL CHECK (state IN ('queued', 'sending', 'sent', 'delivered', 'failed', 'parked', 'bounced')),
    attempts         INTEGER NOT NULL,
    uncertain        INTEGER NOT NULL,
    next_at          TIMESTAMPTZ NOT NULL,
    lease_owner      TEXT COLLATE "C" NOT NULL,
    leased_until     TIMESTAMPTZ,
    attempting_since TIMESTAMPTZ,
    error            TEXT NOT NULL,
    external_id      TEXT COLLATE "C" NOT NULL,
    created_at       TIMESTAMPTZ NOT NULL,
    done_at          TIMESTAMPTZ
);
CREATE UNIQUE INDEX deliveries_message ON deliveries (message_id);
CREATE INDEX deliveries_due ON deliveries (next_at, id) WHERE state IN ('queued', 'sending');
CREATE INDEX deliveries_unfinished ON deliveries (state) WHERE state IN ('queued', 'sending', 'failed', 'parked');
CREATE INDEX deliveries_leased ON deliveries (lease_owner) WHERE lease_owner <> '';

CREATE TABLE attempts (
    delivery_id TEXT COLLATE "C" NOT NULL REFERENCES deliveries (id),
    number      INTEGER NOT NULL,
    at          TIMESTAMPTZ NOT NULL,
    outcome     TEXT COLLATE "C" NOT NULL,
    code        TEXT COLLATE "C" NOT NULL,
    reason      TEXT NOT NULL,
    PRIMARY KEY (delivery_id, number)
);
