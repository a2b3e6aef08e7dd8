-- +goose Up
-- At whose telephones a call rings, as JSON: agents' ids. The default lets the binary before this migration go on working beside it.
ALTER TABLE calls ADD COLUMN rings TEXT NOT NULL DEFAULT '';
-- The list of calls, newest first: of all departments, and of one.
CREATE INDEX calls_created ON calls (created_at, id);
CREATE INDEX calls_department ON calls (department, created_at, id);
