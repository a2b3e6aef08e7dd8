package store

import (
	"errors"
	"strings"

	gosqlite "github.com/glebarez/go-sqlite"
	"github.com/jackc/pgx/v5/pgconn"
	"gorm.io/gorm"

	"guichet/ticketing"
)

// The result codes of SQLite and PostgreSQL that mean something to us.
const (
	sqliteBusy       = 5
	sqliteLocked     = 6
	sqliteUnique     = 2067
	sqlitePrimaryKey = 1555
	sqliteTooBig     = 18
	sqliteConstraint = 19
	sqliteMismatch   = 20

	postgresUnique        = "23505"
	postgresSerialization = "40001"
	postgresDeadlock      = "40P01"
)

// failed puts a database's error into the domain's terms where it has one; the cause stays inside.
func failed(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, gorm.ErrRecordNotFound):
		return &ticketing.Error{Code: ticketing.CodeNotFound}
	case is(err, []int{sqliteUnique, sqlitePrimaryKey}, []string{postgresUnique}):
		return &ticketing.Error{Code: ticketing.CodeConflict, Reason: "exists", Err: err}
	case rejected(err):
		return &ticketing.Error{Code: ticketing.CodeRejected, Err: err}
	}
	return err
}

// rejected tells whether the data itself is what the database can't keep: another try would end the same way. PostgreSQL's classes
// 22 and 23 are data exceptions and integrity violations (Appendix A of its manual).
func rejected(err error) bool {
	if pg := (*pgconn.PgError)(nil); errors.As(err, &pg) {
		return strings.HasPrefix(pg.Code, "22") || strings.HasPrefix(pg.Code, "23")
	}
	return is(err, []int{sqliteTooBig, sqliteConstraint, sqliteMismatch}, nil)
}

// givenUp tells whether the database gave a transaction up because of another one, so that running it again may succeed.
func givenUp(err error) bool {
	return is(err, []int{sqliteBusy, sqliteLocked}, []string{postgresSerialization, postgresDeadlock})
}

func is(err error, sqlite []int, postgres []string) bool {
	if lite := (*gosqlite.Error)(nil); errors.As(err, &lite) {
		for _, code := range sqlite {
			if lite.Code() == code || (code < 256 && lite.Code()&0xff == code) {
				return true
			}
		}
	}
	if pg := (*pgconn.PgError)(nil); errors.As(err, &pg) {
		for _, code := range postgres {
			if pg.Code == code {
				return true
			}
		}
	}
	return false
}
