-- +goose Up
-- What people and messages are found by. The words of a record are written with it; those of a message follow within a second, so that
-- filing does not wait for them. What was there before this migration is indexed in the same way, by the running hub.

-- A telephone number from its end, so that its last digits find it.
ALTER TABLE contacts ADD COLUMN backwards TEXT COLLATE "C" NOT NULL DEFAULT '';
CREATE INDEX contacts_backwards ON contacts (backwards) WHERE backwards <> '';

CREATE INDEX citizens_recent ON citizens ((COALESCE(last_contact_at, created_at)), id) WHERE merged_into IS NULL AND anonymised_at IS NULL;
CREATE INDEX citizens_siret ON citizens (siret) WHERE siret <> '';

-- The words of names and addresses, folded, each with all of them: who has several words is found by reading those of one.
CREATE TABLE citizen_words (
    word       TEXT COLLATE "C" NOT NULL,
    kind       TEXT COLLATE "C" NOT NULL CHECK (kind IN ('name', 'address')),
    citizen_id TEXT COLLATE "C" NOT NULL REFERENCES citizens (id),
    record     TEXT COLLATE "C" NOT NULL, -- citizens.search
    PRIMARY KEY (word, kind, citizen_id) INCLUDE (record)
);
CREATE INDEX citizen_words_citizen ON citizen_words (citizen_id);

-- Messages and records whose words are not in the index yet: number is 0 for what is new, and for a message that was there before this
-- migration the one it will have in the index. Records that were there have -1.
CREATE TABLE search_queue (
    id     TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    noun   TEXT COLLATE "C" NOT NULL CHECK (noun IN ('message', 'citizen')),
    number BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX search_queue_number ON search_queue (number, id);

-- Messages by their number in the index, about in the order of time. A message that is indexed anew gets another number.
CREATE TABLE search_documents (
    number     BIGINT NOT NULL PRIMARY KEY,
    message_id TEXT COLLATE "C" NOT NULL REFERENCES messages (id),
    ticket_id  TEXT COLLATE "C" NOT NULL REFERENCES tickets (id),
    department TEXT COLLATE "C" NOT NULL -- of a note: where it was written; empty: whoever sees the ticket reads it
);
CREATE UNIQUE INDEX search_documents_message ON search_documents (message_id);

-- In which messages a stem stands: of each block of 2,048 numbers how many and which, two letters each.
CREATE TABLE search_words (
    word   TEXT COLLATE "C" NOT NULL,
    block  INTEGER NOT NULL,
    amount INTEGER NOT NULL,
    places TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (word, block) INCLUDE (amount)
);

INSERT INTO search_queue (id, noun, number) SELECT id, 'citizen', -1 FROM citizens;
INSERT INTO search_queue (id, noun, number) SELECT id, 'message', ROW_NUMBER() OVER (ORDER BY id) FROM messages;
INSERT INTO counters (name, value) SELECT 'search_documents', COUNT(*) FROM messages;
