package routing

import (
	"embed"
	"fmt"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"
)

// Every key Guichet has in Redis. They share one hash tag because a script moves things between several of them: a Cluster serves
// for failover here, not for sharding. Nothing but identifiers, scores and names of queues is kept, and nothing expires.
const (
	keyPlaces   = "{guichet}:places"   // HASH  id → where it is: "q1 voirie" in a queue, "a2 17" with an agent; the number is its weight
	keyLoads    = "{guichet}:loads"    // HASH  agent → sum of the weights she holds
	keyQueues   = "{guichet}:queues"   // SET   names of the queues there are or were
	keyQueue    = "{guichet}:queue:"   // ZSET  + name: id → score
	keyRecent   = "{guichet}:recent"   // ZSET  id → what the next Reconcile leaves alone: 0, or until when (ms) for a claim
	keyRound    = "{guichet}:round"    // STRING the newest round of Reconcile; an older one gives way
	keyPresence = "{guichet}:presence" // HASH  agent → state
	keyBeats    = "{guichet}:beats"    // ZSET  agent → last sign of life (ms)
	keyHints    = "{guichet}:hints"    // channel of the hints
)

//go:embed *.lua
var luaFiles embed.FS

// scripts holds the Lua scripts, each with common.lua before it except claim.lua, which is on its own for speed.
type scripts struct {
	claim, claimItem, place, remove, release, begin, weigh *redis.Script
}

func newScripts() (*scripts, error) {
	common, err := luaFiles.ReadFile("common.lua")
	if err != nil {
		return nil, err
	}
	s := new(scripts)
	for _, script := range []struct {
		file string
		head string
		into **redis.Script
	}{
		{"claim.lua", "", &s.claim},
		{"claim_item.lua", string(common), &s.claimItem},
		{"place.lua", string(common), &s.place},
		{"remove.lua", string(common), &s.remove},
		{"release.lua", string(common), &s.release},
		{"begin.lua", "", &s.begin},
		{"weigh.lua", "", &s.weigh},
	} {
		body, err := luaFiles.ReadFile(script.file)
		if err != nil {
			return nil, err
		}
		*script.into = redis.NewScript(script.head + string(body))
	}
	return s, nil
}

// commonKeys are the KEYS of every script that starts with common.lua. The last one is the beginning of a key: its hash tag keeps
// the keys made from it on the same node.
func commonKeys() []string {
	return []string{keyPlaces, keyLoads, keyRecent, keyQueues, keyQueue, keyRound}
}

// place is where a thing is, as keyPlaces keeps it.
type place string

const nowhere place = ""

func inQueue(queue string, weight int) place {
	return place(fmt.Sprintf("q%d %s", max(weight, 1), queue))
}

func withAgent(agent string, weight int) place {
	return place(fmt.Sprintf("a%d %s", max(weight, 1), agent))
}

// split takes a place apart: 'q' or 'a', the weight and the name of the queue or agent. It is 0 for nowhere.
func (p place) split() (kind byte, weight int, name string) {
	number, name, ok := strings.Cut(string(p), " ")
	if !ok || number == "" {
		return 0, 0, ""
	}
	weight, err := strconv.Atoi(number[1:])
	if err != nil {
		return 0, 0, ""
	}
	return number[0], weight, name
}
