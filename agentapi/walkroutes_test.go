package agentapi_test

// theWalk is what is asked of every route. Reading is done by everybody, the rest by those who stand outside, who change nothing of
// what is closed. A route without visits shows nothing of tickets.
func theWalk() map[string][]visit {
	get := func(paths ...string) []visit {
		var list []visit
		for _, p := range paths {
			list = append(list, visit{path: p})
		}
		return list
	}
	why := body{"reason": "pour voir"}
	return map[string][]visit{
		"GET /healthz": nil, "HEAD /healthz": nil, "GET /readyz": get("/readyz"), "HEAD /readyz": nil, "GET /metrics": get("/metrics"),
		"GET /api/openapi.yaml": nil, "GET /api/docs": nil, "GET /api/docs.css": nil, "GET /assets/*name": nil, "HEAD /assets/*name": nil,
		"POST /api/v1/session": nil, "DELETE /api/v1/session": nil, "POST /login": nil, "POST /logout": nil, "GET /login": nil,
		"PUT /api/v1/me/presence": nil, "POST /api/v1/text-segments": nil, "POST /api/v1/attachments": nil,

		"GET /api/v1/me": get("/api/v1/me"),
		"GET /api/v1/tickets": get("/api/v1/tickets?limit=200", "/api/v1/tickets?q={sujet}", "/api/v1/tickets?q={texte}", "/api/v1/tickets?q={tiquet}",
			"/api/v1/tickets?q={SUJET}", "/api/v1/tickets?q={TEXTE}", "/api/v1/tickets?q={FICHIER}", "/api/v1/tickets?q={NOTE}",
			"/api/v1/tickets?motive={motif}", "/api/v1/tickets?department=police,ccas", "/api/v1/tickets?citizen={citizen}&sort=updated", "/api/v1/tickets?sort=due"),
		"POST /api/v1/tickets":                   {{path: "/api/v1/tickets", body: body{"channel": "counter", "citizen_id": "{citizen}", "subject": "Bonjour"}}},
		"GET /api/v1/tickets/:ref":               get("/api/v1/tickets/{ticket}"),
		"PATCH /api/v1/tickets/:ref":             {{path: "/api/v1/tickets/{ticket}", body: body{"subject": "x"}}},
		"POST /api/v1/tickets/:ref/claim":        {{path: "/api/v1/tickets/{ticket}/claim", body: body{}}},
		"POST /api/v1/tickets/:ref/release":      {{path: "/api/v1/tickets/{ticket}/release", body: body{}}},
		"POST /api/v1/tickets/:ref/assign":       {{path: "/api/v1/tickets/{ticket}/assign", body: body{"agent": "nadia@valmont.example"}}},
		"POST /api/v1/tickets/:ref/transfer":     {{path: "/api/v1/tickets/{ticket}/transfer", body: body{"department": "voirie", "reason": "x"}}},
		"POST /api/v1/tickets/:ref/close":        {{path: "/api/v1/tickets/{ticket}/close", body: body{"outcome": "answered"}}},
		"POST /api/v1/tickets/:ref/reopen":       {{path: "/api/v1/tickets/{ticket}/reopen", body: why}},
		"POST /api/v1/tickets/:ref/merge":        {{path: "/api/v1/tickets/{open}/merge", body: body{"into": "{ticket}", "reason": "x"}}, {path: "/api/v1/tickets/{ticket}/merge", body: body{"into": "2026-00001", "reason": "x"}}},
		"POST /api/v1/tickets/:ref/split":        {{path: "/api/v1/tickets/{ticket}/split", body: body{"message_ids": []string{"{message}"}, "department": "voirie"}}},
		"POST /api/v1/tickets/:ref/forward":      {{path: "/api/v1/tickets/{ticket}/forward", body: body{"to": "a@example.org", "reason": "x"}}},
		"POST /api/v1/tickets/:ref/messages":     {{path: "/api/v1/tickets/{ticket}/messages", body: body{"kind": "note", "text": "x"}}, {path: "/api/v1/tickets/{ticket}/messages", body: body{"kind": "reply", "text": "x"}}},
		"POST /api/v1/tickets/:ref/break-glass":  {{path: "/api/v1/tickets/{ticket}/break-glass", body: why}, {path: "/api/v1/tickets/{citizen}.0/break-glass", body: why}},
		"POST /api/v1/messages/:id/resend":       {{path: "/api/v1/messages/{message}/resend", body: body{}}},
		"GET /api/v1/messages/:id/raw":           get("/api/v1/messages/{message}/raw"),
		"GET /api/v1/attachments/:id":            get("/api/v1/attachments/{file}"),
		"POST /api/v1/citizens":                  {{path: "/api/v1/citizens", body: body{"name": body{"family": "Perrin"}}}},
		"GET /api/v1/citizens/:id":               get("/api/v1/citizens/{citizen}"),
		"PATCH /api/v1/citizens/:id":             {{path: "/api/v1/citizens/{citizen}", body: body{"birth_date": "1961-03-04"}}},
		"POST /api/v1/citizens/:id/relations":    {{path: "/api/v1/citizens/{citizen}/relations", body: body{"to": "{citizen}", "kind": "member"}}},
		"POST /api/v1/relations/:id/end":         {{path: "/api/v1/relations/{citizen}/end", body: body{}}},
		"POST /api/v1/citizens/:id/notes":        {{path: "/api/v1/citizens/{citizen}/notes", body: body{"text": "x"}}},
		"GET /api/v1/citizens/:id/consultations": get("/api/v1/citizens/{citizen}/consultations"),
		"GET /api/v1/consultations":              get("/api/v1/consultations?limit=200", "/api/v1/consultations?ticket={ticket}"),
		"GET /api/v1/consultations/seals":        get("/api/v1/consultations/seals"),
		"GET /api/v1/consultations/export":       get("/api/v1/consultations/export"),
		"GET /api/v1/queues":                     get("/api/v1/queues"),
		"POST /api/v1/queues/:department/next":   {{path: "/api/v1/queues/police/next", body: body{}}, {path: "/api/v1/queues/ccas/next", body: body{}}},
		"GET /api/v1/quarantine":                 get("/api/v1/quarantine?limit=200"),
		"GET /api/v1/quarantine/:id":             get("/api/v1/quarantine/{held}"),
		"GET /api/v1/quarantine/:id/raw":         get("/api/v1/quarantine/{held}/raw"),
		"POST /api/v1/quarantine/:id/retry":      {{path: "/api/v1/quarantine/{held}/retry", body: body{}}},
		"POST /api/v1/quarantine/:id/file":       {{path: "/api/v1/quarantine/{held}/file", body: body{}}},
		"GET /api/v1/calls":                      get("/api/v1/calls"),
		"GET /api/v1/calls/:id":                  get("/api/v1/calls/{call}"),
		"GET /api/v1/channels":                   get("/api/v1/channels"),
		"GET /api/v1/events":                     get("/api/v1/events"),
		"GET /live":                              get("/live"),

		"GET /":                            get("/"),
		"GET /tickets":                     get("/tickets?view=all", "/tickets?view=queue", "/tickets?q={sujet}", "/tickets?q={texte}", "/tickets?q={SUJET}", "/tickets?q={TEXTE}", "/tickets?q={FICHIER}", "/tickets?q={NOTE}", "/tickets?view=all&department=police", "/tickets?view=all&department=ccas"),
		"GET /tickets/:ref":                get("/tickets/{ticket}", "/tickets/{ticket}?all=1"),
		"GET /tickets/:ref/split":          get("/tickets/{ticket}/split"),
		"GET /messages/:id/view":           get("/messages/{message}/view"),
		"GET /contacts/new":                get("/contacts/new", "/contacts/new?citizen={citizen}"),
		"GET /admin/quarantine":            get("/admin/quarantine"),
		"GET /admin/quarantine/:id":        get("/admin/quarantine/{held}"),
		"GET /admin/channels":              get("/admin/channels"),
		"GET /consultations":               get("/consultations", "/consultations?check=1", "/consultations?name=perrin"),
		"GET /reserved/:token":             get("/reserved/{citizen}.0", "/reserved/{ticket}"),
		"POST /reserved/:token":            {{path: "/reserved/{citizen}.0", form: "reason=x"}},
		"POST /queue/next":                 {{path: "/queue/next", form: "department=police"}, {path: "/queue/next", form: "department=ccas"}},
		"POST /tickets/:ref/claim":         {{path: "/tickets/{ticket}/claim", form: "x=1"}},
		"POST /tickets/:ref/release":       {{path: "/tickets/{ticket}/release", form: "x=1"}},
		"POST /tickets/:ref/reply":         {{path: "/tickets/{ticket}/reply", form: "text=x"}},
		"POST /tickets/:ref/note":          {{path: "/tickets/{ticket}/note", form: "text=x"}},
		"POST /tickets/:ref/transfer":      {{path: "/tickets/{ticket}/transfer", form: "department=voirie&reason=x"}},
		"POST /tickets/:ref/assign":        {{path: "/tickets/{ticket}/assign", form: "agent=nadia@valmont.example"}},
		"POST /tickets/:ref/close":         {{path: "/tickets/{ticket}/close", form: "outcome=answered"}},
		"POST /tickets/:ref/reopen":        {{path: "/tickets/{ticket}/reopen", form: "reason=x"}},
		"POST /tickets/:ref/merge":         {{path: "/tickets/{open}/merge", form: "into={ticket}&reason=x"}, {path: "/tickets/{ticket}/merge", form: "into=2026-00001&reason=x"}},
		"POST /tickets/:ref/tags":          {{path: "/tickets/{ticket}/tags", form: "tags=x"}},
		"POST /tickets/:ref/snooze":        {{path: "/tickets/{ticket}/snooze", form: "until=2099-01-01"}},
		"POST /tickets/:ref/split":         {{path: "/tickets/{ticket}/split", form: "message={message}&department=voirie"}},
		"POST /admin/quarantine/:id/retry": {{path: "/admin/quarantine/{held}/retry", form: "x=1"}},
		"POST /admin/quarantine/:id/file":  {{path: "/admin/quarantine/{held}/file", form: "x=1"}},
		"POST /messages/:id/resend":        {{path: "/messages/{message}/resend", form: "x=1"}},
		"POST /contacts/new":               {{path: "/contacts/new", form: "channel=counter&text=x&citizen={citizen}"}},
	}
}
