package ticketing

import (
	"context"
	"time"

	"guichet/channels"
	"guichet/routing"
)

// Store is the contract asked of a database. Every method may be called by many goroutines. A method that finds nothing where
// one thing was asked for returns an error that Is ErrNotFound; a list is empty instead. Times go in and come out in UTC.
type Store interface {
	Nouns
	// InTx runs do in one transaction and commits if it returns nil. What do returns is returned as it is. A transaction the
	// database had to give up because of another one (deadlock, busy) is run again, at most three times.
	InTx(ctx context.Context, do func(tx Nouns) error) error
}

// Nouns is everything that can be done inside and outside a transaction, noun by noun.
type Nouns interface {
	Originals
	Citizens
	Exchanges
	Merges
	Conversations
	Calls
	Tickets
	Messages
	Uploads
	Deliveries
	Events
	Towns
	Agents
	Requests
	Lines
	Consultations
	Searches
}

// OriginalKey names an original: unique together.
type OriginalKey struct{ Channel, Key string }

// Originals are messages as they came.
type Originals interface {
	// AddOriginals inserts those whose key is new, in the order of their keys, and tells which they were. One that another
	// transaction is inserting is waited for.
	AddOriginals(ctx context.Context, originals []Original) (added map[OriginalKey]bool, err error)
	// AddCopies notes places; one that is known already is left as it is.
	AddCopies(ctx context.Context, copies []Copy) error
	// CopiesOf gives the UIDs of a mailbox that are kept, ascending: filed, known from elsewhere, or in quarantine.
	CopiesOf(ctx context.Context, mailbox string, uidValidity uint32) ([]uint32, error)
	// QuarantinedCopies gives those of them that wait for a person, each with the reason.
	QuarantinedCopies(ctx context.Context, mailbox string, uidValidity uint32) (map[uint32]string, error)
	// CopyTimes tells when the last mails of a mailbox were kept, the newest first.
	CopyTimes(ctx context.Context, mailbox string, limit int) ([]time.Time, error)
	// TicketsOfOriginals finds the tickets that messages were filed in, by the keys of their originals.
	TicketsOfOriginals(ctx context.Context, keys []OriginalKey) (map[OriginalKey]string, error)
	Original(ctx context.Context, id string) (Original, error)
	// LockOriginal reads one; inside a transaction it stays as it is until the end of it.
	LockOriginal(ctx context.Context, id string) (Original, error)
	// SaveOriginal writes State, Reason and Error.
	SaveOriginal(ctx context.Context, o Original) error
	// Quarantined lists those that wait for a person, newest first. Of Raw they have the first HeadSize bytes.
	Quarantined(ctx context.Context, q HeldQuery) ([]Original, error)
	CountQuarantined(ctx context.Context, q HeldQuery) (int, error) // Limit and After do not count
}

// HeldQuery asks for a page of what waits in quarantine.
type HeldQuery struct {
	Lines []string // that it came through; nil: all, also lines the town no longer has
	After *HeldMark
	Limit int
}

// HeldMark is the last one of a page.
type HeldMark struct {
	At time.Time // ReceivedAt
	ID string
}

// HeadSize is how much of an original a list of the quarantine reads, in bytes: enough for its header.
const HeadSize = 16 << 10

// Citizens are the people and organisations.
type Citizens interface {
	// CitizensByContacts finds, per value, the citizen who claims it.
	CitizensByContacts(ctx context.Context, contactType string, values []string) (map[string]Citizen, error)
	// ClaimContacts inserts contacts with Claims set, in the order of their values, and gives the ids of those it could insert;
	// the others are claimed by somebody else by now.
	ClaimContacts(ctx context.Context, contacts []Contact) (won map[string]bool, err error)
	AddCitizens(ctx context.Context, citizens []Citizen) error // with their Addresses and Refusals, without their Contacts
	AddContacts(ctx context.Context, contacts []Contact) error
	Citizen(ctx context.Context, id string) (Citizen, error)                     // with Contacts, Addresses and Refusals, without twins
	CitizensByIDs(ctx context.Context, ids []string) (map[string]Citizen, error) // without their parts
	// CountOpen counts the tickets of a citizen that are not closed.
	CountOpen(ctx context.Context, scope TicketScope, citizenID string) (int, error)
	// LastContact tells whether a citizen has tickets outside a scope and, if so, when she last wrote to one inside; nil: never.
	LastContact(ctx context.Context, scope TicketScope, citizenID string) (hides bool, last *time.Time, err error)
	// LockCitizens reads records with all their parts, also twins, in the order of their ids; inside a transaction they stay as they are until the end
	// of it, and no ticket is added to them.
	LockCitizens(ctx context.Context, ids []string) ([]Citizen, error)
	// SaveCitizen writes the fields of a record, its Addresses and its Refusals, and raises its version. It fails with ErrStale when
	// somebody else was faster.
	SaveCitizen(ctx context.Context, c *Citizen) error
	// SaveContacts writes the contacts of records that are there, by their ids.
	SaveContacts(ctx context.Context, contacts []Contact) error
	DropContacts(ctx context.Context, ids []string) error
	AddRelation(ctx context.Context, r Relation) error
	SaveRelation(ctx context.Context, r Relation) error // writes Until
	Relation(ctx context.Context, id string) (Relation, error)
	RelationsOf(ctx context.Context, citizenID string) ([]Relation, error) // both ways, oldest first
	AddCitizenNote(ctx context.Context, n CitizenNote) error
	CitizenNotes(ctx context.Context, citizenID string) ([]CitizenNote, error) // newest first
	// TouchCitizens notes that they were in contact; it never goes back in time.
	TouchCitizens(ctx context.Context, ids []string, at time.Time) error
}

// MovedTicket is a ticket that went to another record.
type MovedTicket struct{ ID, Department string }

// Merges are records that became part of others, and pairs that are not the same person.
type Merges interface {
	// HoldCitizens reads records without their parts, in the order of their ids; inside a transaction none of them is merged or
	// restored until the end of it, though it may be corrected.
	HoldCitizens(ctx context.Context, ids []string) ([]Citizen, error)
	AddMerge(ctx context.Context, m Merge) error
	// SaveMerge writes Changes and how it was undone.
	SaveMerge(ctx context.Context, m Merge) error
	Merge(ctx context.Context, id string) (Merge, error)
	MergesInto(ctx context.Context, citizenIDs []string) ([]Merge, error) // that stand, in the order of their Seq
	MergesOf(ctx context.Context, citizenID string) ([]Merge, error)      // of either side, also undone, newest first, 200 at most
	// MoveRows gives all that belongs to the merged record to the one that lives on, and notes which of it is its own: what it has of
	// records merged into it before is noted there. Both records are locked.
	MoveRows(ctx context.Context, m Merge) ([]MovedTicket, error)
	// ReturnRows gives a record back what is noted as its own or that of records merged into it, as far as holder still has it, and
	// forgets what is noted for m. standing are m and the merges that lead to m's record.
	ReturnRows(ctx context.Context, m Merge, standing []string, holder string) ([]MovedTicket, error)
	// Settle forgets that a ticket and its calls came from elsewhere: an agent said whose they are.
	Settle(ctx context.Context, ticketID string) error
	// Belongings counts what belongs to a record: tickets of the scope, calls of its departments, notes for all and of the departments.
	Belongings(ctx context.Context, scope TicketScope, departments []string, citizenID string) (Belongings, error)
	AddDistinct(ctx context.Context, d Distinct) error                           // one that is known already is left as it is
	DistinctFrom(ctx context.Context, citizenIDs []string) ([]string, error)     // the other halves of the pairs
	Alike(ctx context.Context, t Traits, limit int) (found []Citizen, err error) // living records with a trait, with their parts; at most limit of each trait
}

// PhoneOwner is a citizen who can be reached under a number.
type PhoneOwner struct {
	Citizen
	Value string // the number
	Label string // of the contact
}

// Conversations are what is known of telephone numbers: where each last spoke with a line, who it may be, what it refuses.
type Conversations interface {
	// LockConversations reads what the lines last spoke of with these numbers, in the order of their names; a new one has no ticket.
	// Inside a transaction nobody else reads them until the end of it.
	LockConversations(ctx context.Context, keys []ConversationKey, now time.Time) (map[ConversationKey]Conversation, error)
	SaveConversations(ctx context.Context, conversations []Conversation) error
	// PhoneOwners finds the records that have a number, at most ten for each, whoever was last in contact first. Merged and
	// anonymised ones are none.
	PhoneOwners(ctx context.Context, numbers []string) (map[string][]PhoneOwner, error)
	// SaveRefusals notes that numbers refuse what a line sends by itself; one that is known already is left as it is.
	SaveRefusals(ctx context.Context, refusals []Refusal) error
	DropRefusal(ctx context.Context, channel, line, number string) error
	Refusals(ctx context.Context, numbers []string) ([]Refusal, error)
}

// Exchanges are what a citizen and the town hall said to each other, over all her tickets.
type Exchanges interface {
	// ListExchanges lists messages of a citizen's tickets and the ends of these tickets, newest first, without notes and without what
	// was sent to her by itself. Asked for a channel or a direction, it leaves the ends out.
	ListExchanges(ctx context.Context, q ExchangeQuery) ([]ExchangeMark, error)
	// MessageHeads reads the beginnings of messages, in no order.
	MessageHeads(ctx context.Context, ids []string) ([]Message, error)
	// CallsOfMessages finds the calls that messages of these tickets stand for, by the messages' ids.
	CallsOfMessages(ctx context.Context, ticketIDs, messageIDs []string) (map[string]Call, error)
	// TicketMatters lists the tickets of a citizen that came between two times, newest first, with no more than ID, Subject, Motive and
	// ReceivedAt.
	TicketMatters(ctx context.Context, scope TicketScope, citizenID string, since, until time.Time) ([]Ticket, error)
}

// Calls are what exchanges have told of telephone calls.
type Calls interface {
	// LockCall reads the call of that exchange and key that began since a time, or adds c as a new one. Inside a transaction it stays
	// as it is until the end of it, and a new one is waited for.
	LockCall(ctx context.Context, c Call, since time.Time) (Call, error)
	SaveCall(ctx context.Context, c Call) error
	Call(ctx context.Context, id string) (Call, error)
	HoldCall(ctx context.Context, id string) (Call, error)        // inside a transaction it stays as it is until the end of it
	CallsOf(ctx context.Context, ticketID string) ([]Call, error) // oldest first
	// LiveCalls lists those that began since a time and are not over, oldest first.
	LiveCalls(ctx context.Context, since time.Time) ([]Call, error)
	ListCalls(ctx context.Context, q CallQuery) ([]CallRow, error) // newest first
	// LastHeard tells, by line, when a call or a text message last came in since a time.
	LastHeard(ctx context.Context, since time.Time) (map[string]time.Time, error)
}

// TicketScope is the tickets an actor may see: those of the departments, and those she logged that nobody has taken yet.
type TicketScope struct {
	Departments []string
	LoggedBy    string // "": nobody
}

// TicketSort is the order of a list.
type TicketSort string

// The orders. Each ends with the id, so that it is total.
const (
	SortReceived TicketSort = "received" // newest first
	SortUpdated  TicketSort = "updated"  // newest first
	SortDue      TicketSort = "due"      // soonest first, without a due date last
	SortWaiting  TicketSort = "waiting"  // as they are taken: the most urgent first, then the longest in the queue; for Queued only
)

// TicketQuery asks for a page of tickets. Zero fields do not filter.
type TicketQuery struct {
	Scope          TicketScope
	Departments    []string
	Statuses       []Status
	Channel        string
	Motive         string
	Assignee       string
	Citizen        string
	Queued         bool   // stands in a queue
	Text           string // for the Reader, which makes Found of it
	Found          *Found // only these
	Year, Number   int    // the reference, when the text is one
	DueBefore      *time.Time
	ReceivedAfter  *time.Time
	ReceivedBefore *time.Time
	UpdatedAfter   *time.Time
	Sort           TicketSort
	After          *TicketMark // where the page before ended
	Limit          int
}

// TicketMark is the last row of a page.
type TicketMark struct {
	At *time.Time // the sorted column; nil: it was empty
	ID string
}

// TicketRow is a ticket with the two names a list shows.
type TicketRow struct {
	Ticket
	CitizenKind  Kind
	CitizenName  string
	AssigneeName string
	Undelivered  bool // the last message of ours did not arrive; not told of a closed ticket
}

// QueueFigures is what the database knows of a department's load.
type QueueFigures struct {
	Waiting     int
	OldestSince *time.Time // since when the oldest of them waits
	Claimed     int        // open with an assignee
	Overdue     int        // not closed, due date passed
	Arrivals1h  int
	Closed1h    int
}

// ViewCounts are the numbers beside the console's views.
type ViewCounts struct {
	Queued  map[string]int // per department of the scope
	Mine    int            // open, assigned to the actor
	Waiting int            // waiting for the citizen, assigned to the actor
}

// Tickets are the requests.
type Tickets interface {
	// TakeNumbers reserves n numbers of a year and gives the first. Who takes numbers makes others wait for the end of his
	// transaction; whoever also writes to citizens takes them first, so that no two wait for each other.
	TakeNumbers(ctx context.Context, year, n int) (first int, err error)
	AddTickets(ctx context.Context, tickets []Ticket) error
	AddParticipants(ctx context.Context, participants []Participant) error // one that is known already is left as it is
	AddLinks(ctx context.Context, links []Link) error                      // one that is known already is left as it is
	// Ticket reads one; inside a transaction it stays as it is until the end of it.
	Ticket(ctx context.Context, year, number int) (Ticket, error)
	// LockTickets reads tickets in the order of their ids; inside a transaction they stay as they are until the end of it.
	LockTickets(ctx context.Context, ids []string) ([]Ticket, error)
	TicketsByIDs(ctx context.Context, ids []string) ([]Ticket, error)
	TicketsByReferences(ctx context.Context, references []string) ([]Ticket, error)
	Participants(ctx context.Context, ticketIDs []string) ([]Participant, error)
	Links(ctx context.Context, ticketID string) ([]Link, error) // in both directions
	// Assign gives a ticket that nobody has to an agent and opens it. False: somebody was faster, or it is closed or waiting.
	Assign(ctx context.Context, id, agentID string, now time.Time) (bool, error)
	// SaveTicket writes every column that can change if the row still has t.Version, and raises the version. It returns an
	// error that Is ErrStale when the row has moved on.
	SaveTicket(ctx context.Context, t *Ticket) error
	ListTickets(ctx context.Context, q TicketQuery) ([]TicketRow, error)
	CountViews(ctx context.Context, scope TicketScope, agentID string, now time.Time) (ViewCounts, error)
	QueueFigures(ctx context.Context, now time.Time) (map[string]QueueFigures, error)
	routing.Source
}

// FiledUnder is a message's external id and the ticket it is in.
type FiledUnder struct {
	ExternalID string
	TicketID   string
	MessageID  string
	Direction  Direction
}

// Messages are the exchanges of tickets.
type Messages interface {
	AddMessages(ctx context.Context, messages []Message) error // without their Attachments and Delivery
	AddAttachments(ctx context.Context, attachments []Attachment) error
	// TicketsOfMessages finds messages by their external ids.
	TicketsOfMessages(ctx context.Context, channel string, externalIDs []string) ([]FiledUnder, error)
	MessagesOf(ctx context.Context, ticketID string) ([]Message, error) // by At, with Attachments and Delivery
	Message(ctx context.Context, id string) (Message, error)            // with Attachments and Delivery
	Attachment(ctx context.Context, id string) (Attachment, error)
	// LeaseFetches gives the files that are to be fetched by now, and keeps them from others until a time; it counts the try.
	LeaseFetches(ctx context.Context, now, until time.Time, limit int) ([]Attachment, error)
	// SaveFetch notes what became of a try, unless the file has gone or somebody else has fetched it since.
	SaveFetch(ctx context.Context, a Attachment) (saved bool, err error)
	// DropFetch deletes a file that will never come, and says why in its message.
	DropFetch(ctx context.Context, a Attachment, warning string) (dropped bool, err error)
	// MoveMessages puts messages into another ticket, with what they still have to send.
	MoveMessages(ctx context.Context, ids []string, ticketID string) error
}

// Uploads are files handed in and not sent yet. DeleteExpired drops those older than 24 hours.
type Uploads interface {
	// AddUploads keeps files; one whose id is known already is left as it is.
	AddUploads(ctx context.Context, uploads []Upload) error
	// Uploads reads those of these ids that the agent handed in.
	Uploads(ctx context.Context, agentID string, ids []string) ([]Upload, error)
	// TakeUploads removes those of these ids that the agent handed in, and gives them: nobody else can use them any more.
	TakeUploads(ctx context.Context, agentID string, ids []string) ([]Upload, error)
	// UploadedBytes is the size of all that the agent has handed in and not sent.
	UploadedBytes(ctx context.Context, agentID string) (int64, error)
	// NamedFiles tells which of these contents some row names: an original, an attachment or an upload.
	NamedFiles(ctx context.Context, sha256 []string) (map[string]bool, error)
}

// OutboxFigures says how the outbox is doing.
type OutboxFigures struct {
	ByState   map[DeliveryState]int // queued, sending, failed, parked
	OldestDue *time.Time            // the earliest NextAt of those still to be sent
}

// Acknowledgement is an automatic message and what became of it.
type Acknowledgement struct {
	At    time.Time
	State DeliveryState
	Error string
}

// Deliveries are the duties to send.
type Deliveries interface {
	AddDeliveries(ctx context.Context, deliveries []Delivery) error
	// LeaseDeliveries gives owner up to limit deliveries of these channels that are due and that nobody holds, oldest first, and
	// those whose holder's lease has run out. It commits by itself.
	LeaseDeliveries(ctx context.Context, owner string, channels []string, now, until time.Time, limit int) ([]Delivery, error)
	// SaveDelivery writes the delivery if owner still holds its lease, together with the attempt if there is one. False: it does not.
	SaveDelivery(ctx context.Context, owner string, d Delivery, attempt *Attempt) (bool, error)
	// RequeueDelivery makes a delivery that failed, bounced or waits for a person due at once, and forgets how it ended. False: it is
	// in another state.
	RequeueDelivery(ctx context.Context, id string, now time.Time) (bool, error)
	// DropLeases ends all leases but owner's, of deliveries and of lines, when the caller knows that nobody else is running.
	DropLeases(ctx context.Context, owner string) error
	Attempts(ctx context.Context, deliveryIDs []string) ([]Attempt, error)
	// Acknowledgements lists the automatic messages to each address since a time, oldest first. Inside a transaction nobody else
	// reads those of the same addresses until the end of it, so that two of them can't both send the last one that may be sent.
	Acknowledgements(ctx context.Context, addresses []string, since time.Time) (map[string][]Acknowledgement, error)
	// Bounce marks the delivery of a message as bounced, whoever may be sending it. False: nothing of it was ever to be sent, or
	// it had bounced already.
	Bounce(ctx context.Context, messageID, words string, at time.Time) (bool, error)
	// Progress notes how far a message that was accepted has got: sent, delivered or failed, by what the provider calls it or by the
	// message itself. A lower state never undoes a higher one. It takes the lease of whoever may be sending. False: nothing changed.
	Progress(ctx context.Context, p channels.Progress) (d Delivery, changed bool, err error)
	OutboxFigures(ctx context.Context) (OutboxFigures, error)
}

// Events are the journal.
type Events interface {
	AddEvents(ctx context.Context, events []Event) error
	// EventsAfter reads on in an order that never skips an event of a transaction still open: on PostgreSQL by (Tx, ID), not
	// beyond pg_snapshot_xmin(pg_current_snapshot()); on SQLite by ID.
	EventsAfter(ctx context.Context, after Position, limit int) ([]Event, error)
	LastPosition(ctx context.Context) (Position, error)
	EventsOfTicket(ctx context.Context, ticketID string) ([]Event, error) // oldest first
}

// TownData is everything an administrator edits, read in one go.
type TownData struct {
	Departments []Department
	Motives     []Motive
	Rules       []Rule
	Templates   []Template
	Lines       []Line
	Agents      []Agent // with Memberships
	Hours       string  // a HoursEntry as JSON; empty: nobody has said
}

// Towns is what an administrator edits, and a revision that moves with every change.
type Towns interface {
	TownData(ctx context.Context) (TownData, error)
	Revision(ctx context.Context) (int64, error)
	BumpRevision(ctx context.Context) error
	SaveDepartments(ctx context.Context, departments []Department) error // inserts or updates, by code
	SaveMotives(ctx context.Context, motives []Motive) error
	SaveRules(ctx context.Context, rules []Rule) error
	SaveTemplates(ctx context.Context, templates []Template) error
	SaveHours(ctx context.Context, hours string) error
	SaveLines(ctx context.Context, lines []Line) error // inserts or updates by name, and removes the others unless somebody holds their lease
	// Setting reads a value kept for the town; SetSetting keeps one if there is none yet and gives the one that is kept.
	Setting(ctx context.Context, key string) (string, error)
	SetSetting(ctx context.Context, key, value string) (kept string, err error)
}

// Agents are the accounts, their tokens and their sessions.
type Agents interface {
	AgentByEmail(ctx context.Context, email string) (Agent, error) // with Memberships
	SaveAgent(ctx context.Context, a Agent) error                  // inserts or updates by ID, with exactly these Memberships
	AddToken(ctx context.Context, t Token) error
	TokenByHash(ctx context.Context, hash string) (Token, error)
	TouchToken(ctx context.Context, id string, at time.Time) error
	SessionByHash(ctx context.Context, hash string, now time.Time) (Session, error) // not found once expired
	SaveSession(ctx context.Context, s Session) error
	DeleteSession(ctx context.Context, hash string) error
	DeleteExpired(ctx context.Context, now time.Time) error // sessions, requests, uploads and recordings that have had their time
}

// Request is a creating call that carried an Idempotency-Key, and what it made.
type Request struct {
	Actor       string `gorm:"primaryKey"`
	Key         string `gorm:"primaryKey"`
	Fingerprint string // of the request's content: the same key with another content is refused
	TicketID    string
	MessageID   string
	CitizenID   string
	CreatedAt   time.Time
}

// Requests remembers creating calls for 24 hours.
type Requests interface {
	// AddRequest keeps r if its key is new. Otherwise it gives the one that was kept, after waiting for its transaction.
	AddRequest(ctx context.Context, r Request) (kept Request, fresh bool, err error)
	SaveRequest(ctx context.Context, r Request) error // fills in what it made
}

// Searches find people and messages by words. A record is found as soon as it is written; a message once IndexQueued has come to it.
type Searches interface {
	FindCitizens(ctx context.Context, q PeopleQuery) ([]PeopleMark, error)
	WholeCitizens(ctx context.Context, ids []string) (map[string]Citizen, error) // with Contacts and Addresses
	// OpenTickets counts the tickets of citizens that are not closed.
	OpenTickets(ctx context.Context, scope TicketScope, citizenIDs []string) (map[string]int, error)
	FindText(ctx context.Context, q TextQuery) (Found, error)
	// IndexCitizens writes the words of records anew, when their addresses were moved and not saved.
	IndexCitizens(ctx context.Context, ids []string) error
	// IndexQueued writes the words of at most limit messages and records that wait for it, and tells how many there were. Several
	// processes may do it beside each other.
	IndexQueued(ctx context.Context, limit int) (int, error)
}

// Lines is how mailboxes and lines are doing, how far they were read and who reads them.
type Lines interface {
	Cursor(ctx context.Context, mailbox string) (channels.Cursor, error) // zero when it was never read
	// SaveCursor keeps the cursor unless a later epoch has saved one; then it returns an error that Is ErrConflict.
	SaveCursor(ctx context.Context, mailbox string, epoch int64, c channels.Cursor) error
	// Hold takes the named lease, or renews it, for owner; held is false while somebody else has it. A new holder gets a higher epoch.
	Hold(ctx context.Context, name, owner string, ttl time.Duration) (epoch int64, held bool, err error)
	Drop(ctx context.Context, name, owner string) error
	NoteHealth(ctx context.Context, h channels.Health) error
	Healths(ctx context.Context) ([]channels.Health, error)    // by Mailbox
	KeepHealths(ctx context.Context, mailboxes []string) error // forgets those of all others
}

// Consultations are who looked at what, the seals on them, and who opened what she may not see by herself.
type Consultations interface {
	// AddConsultation adds c, with an ID of the database's, unless the same agent looked at the same for the same purpose after since.
	AddConsultation(ctx context.Context, c Consultation, since time.Time) error
	ListConsultations(ctx context.Context, q ConsultationQuery) ([]Consultation, error) // newest first
	// LastSeal reads the newest; zero: there is none. Inside a transaction nobody else gets it until the end of it.
	LastSeal(ctx context.Context) (Seal, error)
	// PutUnderSeal gives the oldest rows that are under no seal this number, and gives all that have it, by ID.
	PutUnderSeal(ctx context.Context, number int64, limit int) ([]Consultation, error)
	AddSeal(ctx context.Context, s Seal) error
	Seals(ctx context.Context, after int64, limit int) ([]Seal, error)                  // by Number
	SealedConsultations(ctx context.Context, after, upTo int64) ([]Consultation, error) // by seal and ID
	CountUnsealed(ctx context.Context, last int64) (unsealed, stray int64, err error)   // stray: under seals beyond the last
	PruneSeals(ctx context.Context, upTo int64, now time.Time) error                    // the last of them stays, without its rows
	AddOpening(ctx context.Context, o Opening) error
	DropOpenings(ctx context.Context, before time.Time) error                                               // those that were over by then
	OpenedBy(ctx context.Context, agentID string, now time.Time) ([]Opening, error)                         // those that are not over
	OpeningsSince(ctx context.Context, departments []string, since time.Time, limit int) ([]Opening, error) // newest first
}

// Files keeps large originals and attachments under the SHA-256 of their content.
type Files interface {
	// Put keeps data and is only done when it would survive a crash. Putting the same data again costs nothing.
	Put(ctx context.Context, data []byte) (sha256 string, err error)
	Get(ctx context.Context, sha256 string) ([]byte, error)
}
