-- +goose Up
-- What was said: originals as they came, messages as they are read, and what is still to be sent.

CREATE TABLE originals (
    id          TEXT NOT NULL PRIMARY KEY,
    channel     TEXT NOT NULL,
    key         TEXT NOT NULL,
    line        TEXT NOT NULL,
    raw         BLOB,
    sha256      TEXT NOT NULL,
    size        INTEGER NOT NULL,
    state       TEXT NOT NULL CHECK (state IN ('filed', 'quarantined')),
    error       TEXT NOT NULL,
    received_at DATETIME NOT NULL,
    created_at  DATETIME NOT NULL
);
CREATE UNIQUE INDEX originals_key ON originals (channel, key);
CREATE INDEX originals_quarantined ON originals (received_at) WHERE state = 'quarantined';

CREATE TABLE copies (
    mailbox      TEXT NOT NULL,
    uid_validity INTEGER NOT NULL,
    uid          INTEGER NOT NULL,
    channel      TEXT NOT NULL,
    key          TEXT NOT NULL,
    at           DATETIME NOT NULL,
    PRIMARY KEY (mailbox, uid_validity, uid)
);
CREATE INDEX copies_original ON copies (channel, key);

CREATE TABLE messages (
    id           TEXT NOT NULL PRIMARY KEY,
    ticket_id    TEXT NOT NULL REFERENCES tickets (id),
    direction    TEXT NOT NULL CHECK (direction IN ('in', 'out', 'note')),
    channel      TEXT NOT NULL,
    line         TEXT NOT NULL,
    from_name    TEXT NOT NULL,
    from_value   TEXT NOT NULL,
    reply_to     TEXT NOT NULL,
    "to"         TEXT NOT NULL,
    cc           TEXT NOT NULL,
    subject      TEXT NOT NULL,
    text         TEXT NOT NULL,
    html         TEXT NOT NULL,
    folded       INTEGER NOT NULL,
    automatic    TEXT NOT NULL,
    silent       TEXT NOT NULL,
    external_id  TEXT NOT NULL,
    "references" TEXT NOT NULL,
    original_id  TEXT REFERENCES originals (id),
    agent_id     TEXT REFERENCES agents (id),
    stranger     BOOLEAN NOT NULL,
    warnings     TEXT NOT NULL,
    at           DATETIME NOT NULL,
    created_at   DATETIME NOT NULL
);
CREATE INDEX messages_ticket ON messages (ticket_id, at, id);
CREATE INDEX messages_external ON messages (external_id, channel) WHERE external_id <> '';
CREATE INDEX messages_original ON messages (original_id) WHERE original_id IS NOT NULL;
-- Whom a machine has written to, and when: no address is answered too often.
CREATE INDEX messages_acknowledged ON messages (json_extract(nullif("to", ''), '$[0].value'), at) WHERE direction = 'out' AND automatic <> '';

CREATE TABLE attachments (
    id         TEXT NOT NULL PRIMARY KEY,
    message_id TEXT NOT NULL REFERENCES messages (id),
    position   INTEGER NOT NULL,
    name       TEXT NOT NULL,
    type       TEXT NOT NULL,
    size       INTEGER NOT NULL,
    sha256     TEXT NOT NULL,
    content_id TEXT NOT NULL,
    inline     BOOLEAN NOT NULL
);
CREATE INDEX attachments_message ON attachments (message_id, position);

CREATE TABLE deliveries (
    id               TEXT NOT NULL PRIMARY KEY,
    message_id       TEXT NOT NULL REFERENCES messages (id),
    ticket_id        TEXT NOT NULL REFERENCES tickets (id),
    channel          TEXT NOT NULL,
    state            TEXT NOT NULL CHECK (state IN ('queued', 'sending', 'sent', 'delivered', 'failed', 'parked', 'bounced')),
    attempts         INTEGER NOT NULL,
    uncertain        INTEGER NOT NULL,
    next_at          DATETIME NOT NULL,
    lease_owner      TEXT NOT NULL,
    leased_until     DATETIME,
    attempting_since DATETIME,
    error            TEXT NOT NULL,
    external_id      TEXT NOT NULL,
    created_at       DATETIME NOT NULL,
    done_at          DATETIME
);
CREATE UNIQUE INDEX deliveries_message ON deliveries (message_id);
CREATE INDEX deliveries_due ON deliveries (next_at, id) WHERE state IN ('queued', 'sending');
CREATE INDEX deliveries_unfinished ON deliveries (state) WHERE state IN ('queued', 'sending', 'failed', 'parked');
CREATE INDEX deliveries_leased ON deliveries (lease_owner) WHERE lease_owner <> '';

CREATE TABLE attempts (
    delivery_id TEXT NOT NULL REFERENCES deliveries (id),
    number      INTEGER NOT NULL,
    at          DATETIME NOT NULL,
    outcome     TEXT NOT NULL,
    code        TEXT NOT NULL,
    reason      TEXT NOT NULL,
    PRIMARY KEY (delivery_id, number)
);
