-- +goose Up
-- Finding who may be the same person, and where the rows of a merge came from.
ALTER TABLE citizens ADD COLUMN usage_sounds TEXT COLLATE "C" NOT NULL DEFAULT ''; -- as sounds, of the name used in life
CREATE INDEX citizens_usage_sounds ON citizens (usage_sounds) WHERE usage_sounds <> '';
CREATE INDEX citizens_birth_date ON citizens (birth_date) WHERE birth_date <> '';
CREATE INDEX citizens_siren ON citizens (siren) WHERE siren <> '';
CREATE INDEX citizens_rna ON citizens (rna) WHERE rna <> '';
CREATE INDEX merge_moves_row ON merge_moves (row_id, noun);
