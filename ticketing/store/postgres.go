package store

import (
	"context"
	"database/sql"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/stdlib"
)

// postgresConns is how many connections one process takes.
const postgresConns = 16

func (d *DB) openPostgreSQL() error {
	config, err := postgresConfig(d.url)
	if err != nil {
		return err
	}
	d.engine = PostgreSQL
	d.sql = openPGX(config)
	d.sql.SetMaxOpenConns(postgresConns)
	d.sql.SetMaxIdleConns(postgresConns / 2)
	d.sql.SetConnMaxIdleTime(5 * time.Minute)
	return nil
}

// postgresConfig reads the URL. What it sets itself keeps one lost process from holding up the others; the URL may say otherwise.
func postgresConfig(url string) (*pgx.ConnConfig, error) {
	config, err := pgx.ParseConfig(url)
	if err != nil {
		return nil, ErrURL // pgx's error may quote the password
	}
	for name, value := range map[string]string{
		"application_name":                    "guichet",
		"timezone":                            "UTC",
		"jit":                                 "off", // costs more than any of our statements
		"statement_timeout":                   "30s",
		"lock_timeout":                        "10s",
		"idle_in_transaction_session_timeout": "60s",
	} {
		if _, set := config.RuntimeParams[name]; !set {
			config.RuntimeParams[name] = value
		}
	}
	return config, nil
}

// openPGX opens connections that give times in UTC.
func openPGX(config *pgx.ConnConfig) *sql.DB {
	return stdlib.OpenDB(*config, stdlib.OptionAfterConnect(func(_ context.Context, c *pgx.Conn) error {
		c.TypeMap().RegisterType(&pgtype.Type{
			Name: "timestamptz", OID: pgtype.TimestamptzOID, Codec: &pgtype.TimestamptzCodec{ScanLocation: time.UTC},
		})
		return nil
	}))
}
