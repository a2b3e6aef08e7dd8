-- +goose Up
-- What a citizen and the town hall said to each other is listed from this index alone: the rows hold whole mails, and of a citizen with
-- thousands of them a page shows fifty. It begins as the one it takes the place of, and serves all that one did.
CREATE INDEX messages_exchanged ON messages (ticket_id, at, id, channel, direction, automatic);
DROP INDEX messages_ticket;
