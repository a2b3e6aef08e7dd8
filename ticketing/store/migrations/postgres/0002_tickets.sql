-- +goose Up
-- Who contacts the town hall, and what for.

CREATE TABLE citizens (
    id              TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    version         INTEGER NOT NULL,
    kind            TEXT COLLATE "C" NOT NULL CHECK (kind IN ('person', 'family', 'company', 'association')),
    family_name     TEXT NOT NULL,
    usage_name      TEXT NOT NULL,
    given_name      TEXT NOT NULL,
    civility        TEXT NOT NULL,
    organisation    TEXT NOT NULL,
    language        TEXT COLLATE "C" NOT NULL,
    created_at      TIMESTAMPTZ NOT NULL,
    updated_at      TIMESTAMPTZ NOT NULL,
    last_contact_at TIMESTAMPTZ,
    merged_into     TEXT COLLATE "C" REFERENCES citizens (id),
    anonymised_at   TIMESTAMPTZ,
    search          TEXT NOT NULL -- the names, folded
);

-- A contact is claimed before the citizen it belongs to is written.
CREATE TABLE contacts (
    id         TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    citizen_id TEXT COLLATE "C" NOT NULL REFERENCES citizens (id) DEFERRABLE INITIALLY DEFERRED,
    type       TEXT COLLATE "C" NOT NULL,
    value      TEXT COLLATE "C" NOT NULL,
    verified   BOOLEAN NOT NULL,
    label      TEXT NOT NULL,
    claims     BOOLEAN NOT NULL,
    created_at TIMESTAMPTZ NOT NULL
);
CREATE UNIQUE INDEX contacts_claimed ON contacts (type, value) WHERE claims;
CREATE INDEX contacts_value ON contacts (value, type);
CREATE INDEX contacts_citizen ON contacts (citizen_id);

CREATE TABLE tickets (
    id             TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    year           INTEGER NOT NULL,
    number         INTEGER NOT NULL,
    version        INTEGER NOT NULL,
    subject        TEXT NOT NULL,
    status         TEXT COLLATE "C" NOT NULL CHECK (status IN ('new', 'open', 'waiting', 'closed')),
    outcome        TEXT COLLATE "C" NOT NULL,
    channel        TEXT COLLATE "C" NOT NULL,
    line           TEXT COLLATE "C" NOT NULL,
    department     TEXT COLLATE "C" NOT NULL REFERENCES departments (code),
    motive         TEXT COLLATE "C" NOT NULL,
    priority       TEXT COLLATE "C" NOT NULL CHECK (priority IN ('low', 'normal', 'high', 'urgent')),
    assignee_id    TEXT COLLATE "C" REFERENCES agents (id),
    citizen_id     TEXT COLLATE "C" REFERENCES citizens (id),
    language       TEXT COLLATE "C" NOT NULL,
    weight         INTEGER NOT NULL,
    rule           TEXT COLLATE "C" NOT NULL,
    logged_by      TEXT COLLATE "C" REFERENCES agents (id),
    taken_at       TIMESTAMPTZ,
    received_at    TIMESTAMPTZ NOT NULL,
    registered_at  TIMESTAMPTZ NOT NULL,
    updated_at     TIMESTAMPTZ NOT NULL,
    queued_at      TIMESTAMPTZ,
    queue_order    TIMESTAMPTZ,
    first_reply_at TIMESTAMPTZ,
    closed_at      TIMESTAMPTZ,
    due_at         TIMESTAMPTZ,
    snoozed_until  TIMESTAMPTZ,
    merged_into    TEXT COLLATE "C" REFERENCES tickets (id),
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

-- Who has nobody is new or open: without knowing that, the planner takes the queues for shorter than they are, and sorts them.
CREATE STATISTICS tickets_states (mcv) ON status, assignee_id, department FROM tickets;

CREATE TABLE participants (
    ticket_id TEXT COLLATE "C" NOT NULL REFERENCES tickets (id),
    type      TEXT COLLATE "C" NOT NULL,
    value     TEXT COLLATE "C" NOT NULL,
    name      TEXT NOT NULL,
    role      TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (ticket_id, type, value)
);

CREATE TABLE links (
    ticket_id  TEXT COLLATE "C" NOT NULL REFERENCES tickets (id),
    other_id   TEXT COLLATE "C" NOT NULL REFERENCES tickets (id),
    kind       TEXT COLLATE "C" NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (ticket_id, other_id, kind)
);
CREATE INDEX links_other ON links (other_id);
