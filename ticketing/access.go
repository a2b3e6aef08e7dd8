package ticketing

// Action is something that can be done to a ticket.
type Action string

// The actions.
const (
	ActSee      Action = "see"      // find it in lists, read it, its files and its events
	ActNote     Action = "note"     // write an internal note on it
	ActTake     Action = "take"     // take it, release one's own
	ActReply    Action = "reply"    // write to the citizen
	ActEdit     Action = "edit"     // subject, motive, priority, language
	ActTransfer Action = "transfer" // give it to another department
	ActClose    Action = "close"    // close it, reopen it
	ActAssign   Action = "assign"   // give it to a colleague, release a colleague's

	ActSeeHeld   Action = "see_held"   // that a message waits in quarantine, since when, why, its size
	ActReadHeld  Action = "read_held"  // who wrote it, and its original
	ActRetryHeld Action = "retry_held" // have it read and filed again
	ActFileHeld  Action = "file_held"  // make a ticket of it as it is
)

// Standing is what an actor is in a department.
type Standing struct {
	Member     bool
	Supervisor bool
}

// Actor is who does something: an agent, by a browser, a token or the command line. It is made by Town.
type Actor struct {
	ID       string
	Email    string
	Name     string
	Language string
	Capacity int
	Roles    Strings
	ReadOnly bool // a token of scope "read"

	standings map[string]Standing // by department; missing: none
	visible   []string            // departments whose tickets she sees, sorted
	all       bool
}

// Subject is what access needs to know of a ticket.
type Subject struct {
	Department string
	Visibility Visibility
	LoggedBy   *string
	Taken      bool
}

// Has tells whether the actor has a role.
func (a Actor) Has(r Role) bool { return a.Roles.Has(string(r)) }

// Standing gives what the actor is in a department.
func (a Actor) Standing(department string) Standing {
	if a.all {
		return Standing{Member: a.Has(RoleAgent), Supervisor: a.Has(RoleSupervisor)}
	}
	return a.standings[department]
}

// Sees tells whether the actor sees the tickets of a department.
func (a Actor) Sees(d Department) bool {
	s := a.Standing(d.Code)
	if s.Member || s.Supervisor {
		return true
	}
	return d.Visibility == Open && (a.Has(RoleAgent) || a.Has(RoleSupervisor))
}

// belongs tells whether the actor is of a department, whatever others may see of it.
func (a Actor) belongs(department string) bool {
	s := a.Standing(department)
	return s.Member || s.Supervisor
}

// Scope is the tickets the actor sees, for a list.
func (a Actor) Scope() TicketScope { return TicketScope{Departments: a.visible, LoggedBy: a.ID} }

// Can is the one table of who may do what. Services ask it, so it holds for every face.
//
//	                       open department      sealed or hidden     logged it, not taken yet
//	see                    every agent          members              yes
//	note                   every agent          members              no
//	take, reply, edit,
//	transfer, close        members              members              no
//	assign                 supervisors          supervisors          no
//
// What waits in quarantine belongs to the department of the line it came through:
//
//	                       open department      sealed or hidden     an administrator
//	see it, try it again   members              members              yes
//	read it, file it       members              members              if she is also an agent and the department is open
//
// A supervisor of the department counts as a member. An administrator or data protection officer is nothing here by that role, but
// for the quarantine: an administrator keeps the mail running, so she knows that something waits and why, and not from whom.
//
// Who opened a sealed department's ticket with a reason reads it for a while and is otherwise nothing here: the Reader asks for that.
func (a Actor) Can(do Action, on Subject) bool {
	if a.ReadOnly && do != ActSee && do != ActSeeHeld && do != ActReadHeld {
		return false
	}
	s := a.Standing(on.Department)
	member := s.Member || s.Supervisor
	works := a.Has(RoleAgent) || a.Has(RoleSupervisor)
	open := on.Visibility == Open && works
	switch do {
	case ActSee:
		logged := on.LoggedBy != nil && *on.LoggedBy == a.ID && !on.Taken
		return member || open || logged
	case ActNote:
		return member || open
	case ActTake, ActReply, ActEdit, ActTransfer, ActClose:
		return member
	case ActAssign:
		return s.Supervisor
	case ActSeeHeld, ActRetryHeld:
		return member || a.Has(RoleAdmin)
	case ActReadHeld, ActFileHeld:
		return member || a.Has(RoleAdmin) && open
	}
	return false
}
