-- +goose Up
-- Who contacts the town hall, and what for.

CREATE TABLE citizens (
    id              TEXT NOT NULL PRIMARY KEY,
    version         INTEGER NOT NULL,
    kind            TEXT NOT NULL CHECK (kind IN ('person', 'family', 'company', 'association')),
    family_name     TEXT NOT NULL,
    usage_name      TEXT NOT NULL,
    given_name      TEXT NOT NULL,
    civility        TEXT NOT NULL,
    organisation    TEXT NOT NULL,
    language        TEXT NOT NULL,
    created_at      DATETIME NOT NULL,
    updated_at      DATETIME NOT NULL,
    last_contact_at DATETIME,
    merged_into     TEXT REFERENCES citizens (id),
    anonymised_at   DATETIME,
    search          TEXT NOT NULL -- the names, folded
);

-- A contact is claimed before the citizen it belongs to is written.
CREATE TABLE contacts (
    id         TEXT NOT NULL PRIMARY KEY,
    citizen_id TEXT NOT NULL REFERENCES citizens (id) DEFERRABLE INITIALLY DEFERRED,
    type       TEXT NOT NULL,
    value      TEXT NOT NULL,
    verified   BOOLEAN NOT NULL,
    label      TEXT NOT NULL,
    claims     BOOLEAN NOT NULL,
    created_at DATETIME NOT NULL
);
CREATE UNIQUE INDEX contacts_claimed ON contacts (type, value) WHERE claims;
CREATE INDEX contacts_value ON contacts (value, type);
CREATE INDEX contacts_citizen ON contacts (citizen_id);

CREATE TABLE tickets (
    id             TEXT NOT NULL PRIMARY KEY,
    year           INTEGER NOT NULL,
    number         INTEGER NOT NULL,
    version        INTEGER NOT NULL,
    subject        TEXT NOT NULL,
    status         TEXT NOT NULL CHECK (status IN ('new', 'open', 'waiting', 'closed')),
    outcome        TEXT NOT NULL,
    channel        TEXT NOT NULL,
    line           TEXT NOT NULL,
    department     TEXT NOT NULL REFERENCES departments (code),
    motive         TEXT NOT NULL,
    priority       TEXT NOT NULL CHECK (priority IN ('low', 'normal', 'high', 'urgent')),
    assignee_id    TEXT REFERENCES agents (id),
    citizen_id     TEXT REFERENCES citizens (id),
    language       TEXT NOT NULL,
    weight         INTEGER NOT NULL,
    rule           TEXT NOT NULL,
    logged_by      TEXT REFERENCES agents (id),
    taken_at       DATETIME,
    received_at    DATETIME NOT NULL,
    registered_at  DATETIME NOT NULL,
    updated_at     DATETIME NOT NULL,
    queued_at      DATETIME,
    queue_order    DATETIME,
    first_reply_at DATETIME,
    closed_at      DATETIME,
    due_at         DATETIME,
    snoozed_until  DATETIME,
    merged_into    TEXT REFERENCES tickets (id),
    preview        TEXT NOT NULL,
    search         TEXT NOT NULL -- subject and preview, folded
);
CREATE UNIQUE INDEX tickets_reference ON tickets (year, number);

-- Every list walks one of these in its own order and never sorts. Most tickets of an old town are closed: the lists of the
-- others have indexes without them.
CREATE INDEX tickets_received ON tickets (received_at, id);
CREATE INDEX tickets_updated ON tickets (updated_at, id);
CREATE INDEX tickets_due ON tickets (due_at, id);
CREATE INDEX tickets_department_received ON tickets (department, received_at, id);
CREATE INDEX tickets_department_updated ON tickets (department, updated_at, id);
CREATE INDEX tickets_active_received ON tickets (received_at, id) WHERE status <> 'closed';
CREATE INDEX tickets_active_updated ON tickets (updated_at, id) WHERE status <> 'closed';
CREATE INDEX tickets_active_due ON tickets (due_at, id) WHERE status <> 'closed';
CREATE INDEX tickets_active_department_received ON tickets (department, received_at, id) WHERE status <> 'closed';
CREATE INDEX tickets_active_department_updated ON tickets (department, updated_at, id) WHERE status <> 'closed';
CREATE INDEX tickets_active_department_due ON tickets (department, due_at, id) WHERE status <> 'closed';
CREATE INDEX tickets_queue ON tickets (queue_order, id) WHERE assignee_id IS NULL AND status IN ('new', 'open');
CREATE INDEX tickets_queue_department ON tickets (department, queue_order, id) WHERE assignee_id IS NULL AND status IN ('new', 'open');
CREATE INDEX tickets_assignee_received ON tickets (assignee_id, received_at, id) WHERE assignee_id IS NOT NULL;
CREATE INDEX tickets_assignee_updated ON tickets (assignee_id, updated_at, id) WHERE assignee_id IS NOT NULL;
CREATE INDEX tickets_assignee_due ON tickets (assignee_id, due_at, id) WHERE assignee_id IS NOT NULL;
CREATE INDEX tickets_held ON tickets (assignee_id, status) WHERE assignee_id IS NOT NULL AND status <> 'closed';
CREATE INDEX tickets_citizen ON tickets (citizen_id, received_at, id) WHERE citizen_id IS NOT NULL;
CREATE INDEX tickets_channel_received ON tickets (channel, received_at, id);
CREATE INDEX tickets_channel_updated ON tickets (channel, updated_at, id);
CREATE INDEX tickets_motive_received ON tickets (motive, received_at, id) WHERE motive <> '';
CREATE INDEX tickets_motive_updated ON tickets (motive, updated_at, id) WHERE motive <> '';
CREATE INDEX tickets_closed ON tickets (closed_at) WHERE closed_at IS NOT NULL;

CREATE TABLE participants (
    ticket_id TEXT NOT NULL REFERENCES tickets (id),
    type      TEXT NOT NULL,
    value     TEXT NOT NULL,
    name      TEXT NOT NULL,
    role      TEXT NOT NULL,
    PRIMARY KEY (ticket_id, type, value)
);

CREATE TABLE links (
    ticket_id  TEXT NOT NULL REFERENCES tickets (id),
    other_id   TEXT NOT NULL REFERENCES tickets (id),
    kind       TEXT NOT NULL,
    created_at DATETIME NOT NULL,
    PRIMARY KEY (ticket_id, other_id, kind)
);
CREATE INDEX links_other ON links (other_id);
