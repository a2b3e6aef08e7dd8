-- +goose Up
-- Files a provider keeps until they are fetched: the pictures of a text message, the sound of a voicemail. Every column has a default,
-- so that the binary before this migration goes on working beside it.
ALTER TABLE attachments ADD COLUMN source TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE attachments ADD COLUMN fetch_at TIMESTAMPTZ;
ALTER TABLE attachments ADD COLUMN fetches INTEGER NOT NULL DEFAULT 0;
CREATE INDEX attachments_fetch ON attachments (fetch_at) WHERE fetch_at IS NOT NULL;
