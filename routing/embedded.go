package routing

import (
	"crypto/rand"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// embeddedLimit is how many waiting things the embedded Redis handles well: it sorts a queue again for every claim.
const embeddedLimit = 5_000

// openEmbedded starts a Redis inside the process, for this process alone: on a free port of the loopback, behind a random password.
func openEmbedded() (*miniredis.Miniredis, redis.UniversalClient, error) {
	server := miniredis.NewMiniRedis()
	password := rand.Text()
	server.RequireAuth(password)
	if err := server.StartAddr("127.0.0.1:0"); err != nil {
		return nil, nil, err
	}
	return server, redis.NewClient(&redis.Options{
		Addr:                     server.Addr(),
		Password:                 password,
		ContextTimeoutEnabled:    true,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	}), nil
}
