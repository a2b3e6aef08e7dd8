package agentapi

// Paths lists every route there is, "GET /tickets/:ref".
func (s *Server) Paths() []string {
	var paths []string
	for _, r := range s.engine.Routes() {
		paths = append(paths, r.Method+" "+r.Path)
	}
	return paths
}
