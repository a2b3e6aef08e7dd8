package console

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"time"

	"guichet/channels"
	"guichet/ticketing"
)

// citizenBody is the page of a record: who she is, and all that was said.
type citizenBody struct {
	ticketing.CitizenFile
	Name        string
	Alike       []likenessLine // the likeliest few
	AlikeMore   []likenessLine
	Apart       string // the record that was just said to be somebody else's
	Joined      int    // records that are part of this one
	Merges      bool   // there were merges, undone or not
	Related     []relationLine
	Open        []ticketing.OpenTicket
	Due         []ticketing.OpenTicket // those of them with a due date, soonest first
	Timeline    []exchangeLine
	Reserved    bool // some of them are reserved
	Filter      timelineFilter
	Older       string // addresses of the pages beside this one
	Newest      string
	Departments []ticketing.Department // of the filter
	Motives     []ticketing.Motive
	Mine        []ticketing.Department // a note can be for
	Channels    []string
	Kinds       []string // of relations
	Relate      relateForm
	Note        noteForm
	Erased      bool
	Phone       string // to note a contact with
}

// exchangeLine is a line of the timeline.
type exchangeLine struct {
	ticketing.Exchange
	Who   string
	By    string // who wrote it down
	Title string // of a call
	Talk  string
}

// relationLine is a relation as it reads from this record.
type relationLine struct {
	ID    string
	Word  string // of the vocabulary "relation"
	Other ticketing.Citizen
	Since string
	Until string
	Ended bool
}

// timelineFilter is what of a timeline is shown, as the address says it.
type timelineFilter struct{ Channel, Direction, Department, Motive, After, Before, Cursor string }

// readFilter reads a filter from an address. What makes no sense is left out rather than refused.
func readFilter(values url.Values) timelineFilter {
	pick := func(name string, allowed []string) string {
		if v := values.Get(name); slices.Contains(allowed, v) {
			return v
		}
		return ""
	}
	day := func(name string) string {
		if _, err := time.Parse(time.DateOnly, values.Get(name)); err != nil {
			return ""
		}
		return values.Get(name)
	}
	return timelineFilter{
		Channel: pick("channel", texts(channels.Names())), Direction: pick("direction", directions()), Department: clean(values.Get("department"), 100),
		Motive: clean(values.Get("motive"), 100), After: day("after"), Before: day("before"), Cursor: clean(values.Get("cursor"), 300),
	}
}

func directions() []string { return texts([]ticketing.Direction{ticketing.In, ticketing.Out}) }

// Active tells whether anything is left out.
func (f timelineFilter) Active() bool {
	f.Cursor = ""
	return f != timelineFilter{}
}

// address is where this part of a record's timeline is.
func (f timelineFilter) address(id string) string {
	values := url.Values{}
	for name, value := range map[string]string{
		"channel": f.Channel, "direction": f.Direction, "department": f.Department, "motive": f.Motive, "after": f.After, "before": f.Before, "cursor": f.Cursor,
	} {
		if value != "" {
			values.Set(name, value)
		}
	}
	if len(values) == 0 {
		return "/citizens/" + id + "#timeline"
	}
	return "/citizens/" + id + "?" + values.Encode() + "#timeline"
}

// ask makes the query. A day is the town's, from its beginning to its end.
func (f timelineFilter) ask(id string, zone *time.Location) ticketing.ExchangeQuery {
	q := ticketing.ExchangeQuery{
		Citizen: id, Channel: f.Channel, Direction: ticketing.Direction(f.Direction), Department: f.Department, Motive: f.Motive, Limit: 40,
	}
	if day, err := time.ParseInLocation(time.DateOnly, f.After, zone); err == nil {
		q.After = &day
	}
	if day, err := time.ParseInLocation(time.DateOnly, f.Before, zone); err == nil {
		next := day.AddDate(0, 0, 1)
		q.Before = &next
	}
	return q
}

// citizenPage shows a record; one that was merged leads to the one it lives on in.
func (c *Console) citizenPage(r *request) error {
	return c.showCitizen(r, r.Param("id"), http.StatusOK, nil, relateForm{}, noteForm{})
}

func (c *Console) showCitizen(r *request, id string, status int, a *alert, relate relateForm, note noteForm) error {
	ctx := r.Request.Context()
	file, err := c.reader.Citizen(ctx, r.actor, id)
	if err != nil {
		return err
	}
	if file.MergedInto != nil {
		return r.see("/citizens/" + *file.MergedInto + "?done=record_merged")
	}
	b := citizenBody{
		CitizenFile: file, Name: ticketing.DisplayName(file.Citizen), Related: c.relationLines(file), Filter: readFilter(r.Request.URL.Query()),
		Departments: c.town.Now().Visible(r.actor), Mine: c.town.Now().Works(r.actor), Channels: vocabularies()["channel"], Kinds: relationWords(),
		Relate: relate, Note: note, Erased: file.AnonymisedAt != nil,
	}
	for _, m := range c.town.Now().Motives {
		if slices.ContainsFunc(b.Departments, func(d ticketing.Department) bool { return d.Code == m.Department }) {
			b.Motives = append(b.Motives, m)
		}
	}
	for _, k := range file.Contacts {
		if k.Type == "phone" && b.Phone == "" {
			b.Phone = k.Value
		}
	}
	if b.Open, err = c.reader.OpenTickets(ctx, r.actor, file.ID); err != nil {
		return err
	}
	for _, t := range b.Open {
		if t.DueAt != nil {
			b.Due = append(b.Due, t)
		}
	}
	if err := c.twins(r, &b); err != nil {
		return err
	}
	if err := c.timeline(r, &b); err != nil {
		return err
	}
	title := b.Name
	if title == "" {
		title = r.voice.say("record.nameless")
	}
	return c.show(r, status, "citizen", frame{Title: title, Class: "wide-page citizen-page", Here: "citizens", Alert: a, Body: b})
}

// timeline reads the part of the timeline that is asked for.
func (c *Console) timeline(r *request, b *citizenBody) error {
	q := b.Filter.ask(b.ID, c.town.Profile.Zone)
	page, err := c.reader.Timeline(r.Request.Context(), r.actor, q, b.Filter.Cursor)
	if b.Filter.Cursor != "" && ticketing.CodeOf(err) == ticketing.CodeInvalid { // the cursor of another list: begin again
		b.Filter.Cursor = ""
		page, err = c.reader.Timeline(r.Request.Context(), r.actor, q, "")
	}
	if err != nil {
		return err
	}
	for _, e := range page.Items {
		b.Timeline = append(b.Timeline, c.exchangeLine(r.voice, b.Name, e))
		b.Reserved = b.Reserved || e.Kind == ticketing.ExchangeReserved
	}
	other := b.Filter
	if other.Cursor = page.Next; page.Next != "" {
		b.Older = other.address(b.ID)
	}
	if b.Filter.Cursor != "" {
		other.Cursor = ""
		b.Newest = other.address(b.ID)
	}
	return nil
}

func (c *Console) exchangeLine(v *voice, citizen string, e ticketing.Exchange) exchangeLine {
	line := exchangeLine{Exchange: e}
	switch {
	case e.Call != nil:
		line.Title = c.callTitle(v, *e.Call)
		if talked, ok := e.Call.Talk(); ok {
			line.Talk = v.say("call.talked", "Time", v.span(talked))
		}
	case e.Kind != ticketing.ExchangeMessage:
	case e.Direction == ticketing.Out:
		line.Who = c.agentName(v, e.AgentID)
	default:
		if line.Who = citizen; citizen == "" {
			line.Who = v.say("record.nameless")
		}
		if e.AgentID != nil {
			line.By = v.say("story.written_by", "Who", c.agentName(v, e.AgentID))
		}
	}
	return line
}

// relationLines lists relations as they read from this record: those that hold, then those that have ended.
func (c *Console) relationLines(file ticketing.CitizenFile) []relationLine {
	var list []relationLine
	for _, rel := range file.Relations {
		line := relationLine{ID: rel.ID, Word: string(rel.Kind), Other: rel.Other, Since: rel.Since, Until: rel.Until, Ended: rel.Until != "" && rel.Until < c.today()}
		if rel.ToID == file.ID {
			line.Word += backwards
		}
		list = append(list, line)
	}
	slices.SortStableFunc(list, func(x, y relationLine) int {
		switch {
		case x.Ended == y.Ended:
			return 0
		case y.Ended:
			return -1
		}
		return 1
	})
	return list
}

// mostFound is how many records a search shows: whoever has more to choose from types more.
const mostFound = 20

// citizensBody is the page that finds records.
type citizensBody struct {
	Text  string
	Found []ticketing.FoundCitizen
	Full  bool // there are more
}

// citizensPage finds records by a name or a way to reach somebody.
func (c *Console) citizensPage(r *request) error {
	b := citizensBody{Text: clean(r.Query("q"), 200)}
	if b.Text != "" {
		page, err := c.reader.Citizens(r.Request.Context(), r.actor, b.Text, mostFound, "")
		if err != nil {
			return err
		}
		b.Found, b.Full = page.Rows, page.Next != ""
	}
	return c.show(r, http.StatusOK, "citizens", frame{Title: r.voice.say("record.list"), Class: "wide-page", Here: "citizens", Body: b})
}

// mergedElsewhere leads to where a record lives on, if that is why something was refused.
func (r *request) mergedElsewhere(err error) (led bool) {
	var refused *ticketing.Error
	if !errors.As(err, &refused) || refused.Reason != "record_merged" {
		return false
	}
	into, ok := refused.Args["into"].(string)
	if ok {
		_ = r.see("/citizens/" + url.PathEscape(into) + "?done=record_merged") // a redirect can't fail
	}
	return ok
}
