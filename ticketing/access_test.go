package ticketing

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// The table of access.go, cell by cell, for every role and standing.
func TestCan(t *testing.T) {
	town, err := newSnapshot(1, TownData{
		Departments: []Department{
			{Code: "voirie", Visibility: Open}, {Code: "police", Visibility: Sealed}, {Code: "ccas", Visibility: Hidden},
		},
		Agents: []Agent{
			{ID: "outside", Active: true, Roles: Strings{"agent"}},
			{ID: "member", Active: true, Roles: Strings{"agent"}, Memberships: everywhere(false)},
			{ID: "supervisor", Active: true, Roles: Strings{"supervisor"}, Memberships: everywhere(true)},
			{ID: "all", Active: true, AllDepartments: true, Roles: Strings{"agent", "supervisor", "admin"}},
			{ID: "admin", Active: true, Roles: Strings{"admin"}},
			{ID: "dpo", Active: true, Roles: Strings{"dpo"}},
			{ID: "gone", Active: false, AllDepartments: true, Roles: Strings{"agent"}},
		},
	}, time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	actions := []Action{ActSee, ActNote, ActTake, ActReply, ActEdit, ActTransfer, ActClose, ActAssign}
	// One letter an action, in that order: + may, - may not.
	for who, want := range map[string]map[string]string{
		"outside":    {"voirie": "++------", "police": "--------", "ccas": "--------", "logged": "+-------", "taken": "--------"},
		"member":     {"voirie": "+++++++-", "police": "+++++++-", "ccas": "+++++++-", "logged": "+++++++-", "taken": "+++++++-"},
		"supervisor": {"voirie": "++++++++", "police": "++++++++", "ccas": "++++++++", "logged": "++++++++", "taken": "++++++++"},
		"all":        {"voirie": "++++++++", "police": "++++++++", "ccas": "++++++++", "logged": "++++++++", "taken": "++++++++"},
		"admin":      {"voirie": "--------", "police": "--------", "ccas": "--------", "logged": "+-------", "taken": "--------"},
		"dpo":        {"voirie": "--------", "police": "--------", "ccas": "--------", "logged": "+-------", "taken": "--------"},
	} {
		actor, ok := town.Actor(who, false)
		if !ok {
			t.Fatalf("%s is no actor", who)
		}
		reader, _ := town.Actor(who, true)
		for subject, row := range want {
			on := Subject{Department: subject}
			if subject == "logged" || subject == "taken" {
				on = Subject{Department: "ccas", LoggedBy: &actor.ID, Taken: subject == "taken"}
			}
			department, _ := town.Department(on.Department)
			on.Visibility = department.Visibility
			var got strings.Builder
			for _, do := range actions {
				got.WriteString(map[bool]string{true: "+", false: "-"}[actor.Can(do, on)])
				if reader.Can(do, on) != (do == ActSee && actor.Can(do, on)) {
					t.Errorf("a read-only token of %s: %s on %s is %v", who, do, subject, reader.Can(do, on))
				}
			}
			if got.String() != row {
				t.Errorf("%s on %s: %s, want %s (%v)", who, subject, got.String(), row, actions)
			}
		}
	}
	if _, ok := town.Actor("gone", false); ok {
		t.Error("who no longer works here still acts")
	}
	member, _ := town.Actor("outside", false)
	if got := fmt.Sprint(member.Scope().Departments); got != "[voirie]" {
		t.Errorf("an agent outside lists %s", got)
	}
}

func everywhere(supervisor bool) []Membership {
	return []Membership{
		{Department: "voirie", Supervisor: supervisor}, {Department: "police", Supervisor: supervisor}, {Department: "ccas", Supervisor: supervisor},
	}
}

// What nobody described is shown to nobody.
func TestUnknownDepartmentIsHidden(t *testing.T) {
	town, err := newSnapshot(1, TownData{Agents: []Agent{{ID: "a", Active: true, Roles: Strings{"agent"}}}}, time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	a, _ := town.Actor("a", false)
	if a.Can(ActSee, town.Subject(Ticket{Department: "lost"})) {
		t.Error("a ticket of an unknown department is shown")
	}
}
