package ticketing

// Waiting tells how many messages wait to be filed.
func Waiting(g *Gather) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.waiting)
}
