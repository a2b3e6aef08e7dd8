-- +goose Up
-- The other doors: text messages, telephone, counter and letters. Every column has a default, so that the binary before this
-- migration goes on working beside it.

-- What is written down at the counter: at which desk, and which documents were handed over.
ALTER TABLE messages ADD COLUMN desk TEXT NOT NULL DEFAULT '';
ALTER TABLE messages ADD COLUMN documents TEXT NOT NULL DEFAULT '';

-- How a department is reached by telephone: the numbers that ring in turn, and within how many hours a missed call is called back.
ALTER TABLE departments ADD COLUMN numbers TEXT NOT NULL DEFAULT '';
ALTER TABLE departments ADD COLUMN digit TEXT NOT NULL DEFAULT '';
ALTER TABLE departments ADD COLUMN call_back_within INTEGER NOT NULL DEFAULT 24;

-- What the exchange calls an agent: a user name or an extension.
ALTER TABLE agents ADD COLUMN extension TEXT NOT NULL DEFAULT '';

-- The ticket in which a number and one of our lines last spoke. Whoever files for a number holds its row, so that two messages of
-- the same moment don't open two tickets.
CREATE TABLE conversations (
    channel   TEXT COLLATE "C" NOT NULL,
    line      TEXT COLLATE "C" NOT NULL,
    number    TEXT COLLATE "C" NOT NULL,
    ticket_id TEXT COLLATE "C" REFERENCES tickets (id),
    at        TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (channel, line, number)
);

-- Numbers that said STOP to a line.
CREATE TABLE refusals (
    channel TEXT COLLATE "C" NOT NULL,
    line    TEXT COLLATE "C" NOT NULL,
    number  TEXT COLLATE "C" NOT NULL,
    at      TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (channel, line, number)
);
CREATE INDEX refusals_number ON refusals (number);

-- Telephone calls, each as far as the exchange has told. day is the day it began, in the town's zone: exchanges count from the start again.
CREATE TABLE calls (
    id          TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    exchange    TEXT COLLATE "C" NOT NULL,
    key         TEXT COLLATE "C" NOT NULL,
    day         TEXT COLLATE "C" NOT NULL,
    ticket_id   TEXT COLLATE "C" REFERENCES tickets (id),
    message_id  TEXT COLLATE "C" REFERENCES messages (id),
    citizen_id  TEXT COLLATE "C" REFERENCES citizens (id),
    direction   TEXT COLLATE "C" NOT NULL CHECK (direction IN ('in', 'out')),
    line        TEXT COLLATE "C" NOT NULL,
    department  TEXT COLLATE "C" NOT NULL,
    number      TEXT COLLATE "C" NOT NULL,
    shown       TEXT COLLATE "C" NOT NULL,
    called      TEXT COLLATE "C" NOT NULL,
    agent_id    TEXT COLLATE "C" REFERENCES agents (id),
    answered_by TEXT COLLATE "C" NOT NULL,
    ending      TEXT COLLATE "C" NOT NULL,
    call_back   BOOLEAN NOT NULL,
    talked_s    INTEGER NOT NULL,
    rang_at     TIMESTAMPTZ,
    answered_at TIMESTAMPTZ,
    ended_at    TIMESTAMPTZ,
    created_at  TIMESTAMPTZ NOT NULL
);
CREATE UNIQUE INDEX calls_key ON calls (exchange, key, day);
CREATE INDEX calls_ticket ON calls (ticket_id) WHERE ticket_id IS NOT NULL;
CREATE INDEX calls_live ON calls (created_at) WHERE ended_at IS NULL;
CREATE INDEX calls_citizen ON calls (citizen_id, created_at) WHERE citizen_id IS NOT NULL;

-- Which recordings are to be deleted, and when.
ALTER TABLE attachments ADD COLUMN expires_at TIMESTAMPTZ;
CREATE INDEX attachments_expire ON attachments (expires_at) WHERE expires_at IS NOT NULL;

-- What a provider calls a message of ours, for what it says of it later.
CREATE INDEX deliveries_external ON deliveries (external_id) WHERE external_id <> '';

-- What of a ticket is still to be sent: text messages leave in the order they were written in.
CREATE INDEX deliveries_open_ticket ON deliveries (ticket_id) WHERE state IN ('queued', 'sending');
