package store

import (
	"context"
	"slices"
	"time"

	"guichet/ticketing"
)

// uploadLife is how long a file waits to be sent.
const uploadLife = 24 * time.Hour

// AddUploads implements ticketing.Uploads.
func (n nouns) AddUploads(ctx context.Context, uploads []ticketing.Upload) error {
	return insert(ctx, n, uploads, insertion{conflict: "(id) DO NOTHING"})
}

// Uploads implements ticketing.Uploads.
func (n nouns) Uploads(ctx context.Context, agentID string, ids []string) (uploads []ticketing.Upload, err error) {
	err = n.read(ctx, &uploads, "SELECT * FROM uploads WHERE agent_id = ? AND ?", agentID, n.among("id", ids))
	return uploads, err
}

// TakeUploads implements ticketing.Uploads.
func (n nouns) TakeUploads(ctx context.Context, agentID string, ids []string) (uploads []ticketing.Upload, err error) {
	if len(ids) == 0 {
		return nil, nil
	}
	err = n.read(ctx, &uploads, "DELETE FROM uploads WHERE agent_id = ? AND ? RETURNING *", agentID, n.among("id", ids))
	return uploads, err
}

// UploadedBytes implements ticketing.Uploads.
func (n nouns) UploadedBytes(ctx context.Context, agentID string) (size int64, err error) {
	err = n.read(ctx, &size, "SELECT COALESCE(SUM(size), 0) FROM uploads WHERE agent_id = ?", agentID)
	return size, err
}

// NamedFiles implements ticketing.Uploads.
func (n nouns) NamedFiles(ctx context.Context, sha256 []string) (map[string]bool, error) {
	named := make(map[string]bool, len(sha256))
	for list := range slices.Chunk(sha256, 500) {
		for _, table := range []string{"attachments", "originals", "uploads"} {
			where := ""
			if table == "originals" { // as its index has it
				where = "sha256 <> '' AND "
			}
			var found []string
			if err := n.read(ctx, &found, "SELECT sha256 FROM "+table+" WHERE "+where+"?", n.among("sha256", list)); err != nil {
				return nil, err
			}
			for _, sum := range found {
				named[sum] = true
			}
		}
	}
	return named, nil
}
