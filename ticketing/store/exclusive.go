package store

import "errors"

// ErrInUse says that another process serves from this database.
var ErrInUse = errors.New("another process is using this database")

// Exclusive makes this process the only one to serve from an SQLite file, by a lock file beside it; it returns an error that Is
// ErrInUse when there is one already. PostgreSQL serves any number of processes, so there it does nothing.
func (d *DB) Exclusive() (release func(), err error) {
	if d.engine != SQLite {
		return func() {}, nil
	}
	return lockFile(d.path + ".lock")
}
