package main

import (
	"fmt"
	"maps"
	"net/http"
	"strings"
	"testing"

	"guichet/channels/cti"
	"guichet/channels/cti/ctitest"
	"guichet/ticketing/store/storetest"
)

// TestEveryOrderOfWhatAnExchangePosts posts a call that is taken and one that is missed in every order, as a form and as JSON, each
// post also twice and all of them again at the end. However it is told, it is one call on one ticket, with the same end and agent.
func TestEveryOrderOfWhatAnExchangePosts(t *testing.T) {
	for _, engine := range storetest.Engines() {
		t.Run(engine, func(t *testing.T) {
			c := openPost(t, false).config(t, storetest.URL(t, engine), "embedded")
			c.CTI = []cti.Exchange{{Name: "standard", Token: "pbx-secret", Blocked: []string{"06 39 98 99 99"}}}
			hub := startHub(t, c)
			hub.signIn("admin@valmont.example")
			callers := 0
			for name, scene := range map[string]struct {
				posts []ctitest.Post
				want  map[string]any
			}{
				"taken": {
					[]ctitest.Post{ctitest.Call{Users: []string{"101", "102"}}.Ring(), ctitest.Call{}.Answer("102"), ctitest.Call{}.Hangup("normalClearing")},
					map[string]any{"ending": "answered", "agent": "Emma Clarke", "by": "102", "status": "open", "assignee": "Emma Clarke", "due": false, "reads missed": false},
				},
				"taken, its hangup says less": {
					[]ctitest.Post{ctitest.Call{}.Ring(), ctitest.Call{}.Answer("emma@valmont.example"), ctitest.Call{}.Hangup("")},
					map[string]any{"ending": "answered", "agent": "Emma Clarke", "by": "emma@valmont.example", "status": "open", "assignee": "Emma Clarke", "due": false, "reads missed": false},
				},
				"taken by nobody we know": {
					[]ctitest.Post{ctitest.Call{}.Ring(), ctitest.Call{}.Answer("199"), ctitest.Call{}.Hangup("normalClearing")},
					map[string]any{"ending": "answered", "agent": nil, "by": "199", "status": "closed", "assignee": nil, "due": false, "reads missed": false},
				},
				"missed": {
					[]ctitest.Post{ctitest.Call{Users: []string{"101", "102"}}.Ring(), ctitest.Call{}.Hangup("cancel")},
					map[string]any{"ending": "missed", "agent": nil, "by": "", "status": "new", "assignee": nil, "due": true, "reads missed": true},
				},
			} {
				for i, order := range ctitest.Orders(scene.posts) {
					for _, asJSON := range []bool{false, true} {
						callers++
						number := fmt.Sprintf("3363998%04d", callers)
						exchange := ctitest.Exchange{Base: hub.base, Token: "pbx-secret", JSON: asJSON}
						send := func(p ctitest.Post) {
							t.Helper()
							p.CallID, p.Direction, p.From, p.To = fmt.Sprintf("call-%d", callers), "in", number, "33261910010"
							if got, err := exchange.Send(t.Context(), p); err != nil || got != (ctitest.Answer{Status: http.StatusOK}) {
								t.Fatalf("%s was answered %+v, %v", p.Event, got, err)
							}
						}
						for _, p := range order {
							send(p)
							send(p)
						}
						for _, p := range order {
							send(p)
						}
						if got := hub.onlyCall("+" + number); !maps.Equal(got, scene.want) {
							t.Errorf("%s, order %d: %v, want %v", name, i, got, scene.want)
						}
					}
				}
			}
			blocked := ctitest.Call{ID: "blocked", From: "33639989999", To: "33261910010"}
			exchange := ctitest.Exchange{Base: hub.base, Token: "pbx-secret"}
			for _, order := range ctitest.Orders([]ctitest.Post{blocked.Ring(), blocked.Hangup("busy"), blocked.Ring()}) {
				for _, p := range order {
					got, err := exchange.Send(t.Context(), p)
					if err != nil || got.Status != http.StatusOK || (got.Action == "reject") != (p.Event == "newCall") {
						t.Errorf("a blocked caller's %s was answered %+v, %v", p.Event, got, err)
					}
				}
			}
			if list := items(hub.want(http.StatusOK, "GET", "/api/v1/tickets?channel=phone&limit=100", nil)); len(list) != callers {
				t.Errorf("%d tickets of %d callers and a blocked one", len(list), callers)
			}
			if list := items(hub.want(http.StatusOK, "GET", "/api/v1/calls", nil)); len(list) != 0 {
				t.Errorf("%d calls still ring", len(list))
			}
		})
	}
}

// onlyCall finds the one ticket of a number and the one call on it, and gives what matters of both.
func (r *running) onlyCall(number string) map[string]any {
	r.Helper()
	list := items(r.want(http.StatusOK, "GET", "/api/v1/tickets?q=%2B"+number[1:], nil))
	if len(list) != 1 {
		r.Fatalf("%d tickets of %s", len(list), number)
	}
	ticket := r.want(http.StatusOK, "GET", "/api/v1/tickets/"+list[0]["reference"].(string), nil)
	calls, err := r.hub.db.CallsOf(r.Context(), ticket["id"].(string))
	if err != nil || len(calls) != 1 || calls[0].Number != number || ticket["citizen"] == nil {
		r.Fatalf("%d calls of %s on the ticket %v, %v", len(calls), number, ticket, err)
	}
	call := calls[0]
	if call.RangAt == nil || call.EndedAt == nil || (call.AnsweredAt == nil) != (call.Ending == "missed") {
		r.Errorf("the moments of %+v", call)
	}
	var agent any
	if call.AgentID != nil {
		who, _ := r.hub.town.Now().Agent(*call.AgentID)
		agent = who.Name
	}
	return map[string]any{
		"ending": call.Ending, "agent": agent, "by": call.AnsweredBy, "status": ticket["status"], "assignee": ticket["assignee_name"],
		"due": ticket["due_at"] != nil, "reads missed": strings.Contains(ticket["subject"].(string), "manqué"),
	}
}
