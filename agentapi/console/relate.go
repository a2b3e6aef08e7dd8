package console

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"guichet/routing/words"
	"guichet/ticketing"
)

// backwards ends the word of a relation that is read from its other end: "has as a member" instead of "is a member of".
const backwards = "_back"

// relationWords lists the relations as they read from either end.
func relationWords() []string {
	var list []string
	for _, k := range ticketing.RelationKinds() {
		list = append(list, string(k), string(k)+backwards)
	}
	return list
}

// relateForm is a relation as it was typed. To finds the other record; when several fit, the agent chooses among Found.
type relateForm struct {
	Open    bool
	Kind    string
	To      string
	Since   string
	Found   []ticketing.Citizen
	Refused string // the field: to | since
	Why     string
}

// noteForm is a note as it was typed.
type noteForm struct {
	Open       bool
	Text       string
	Department string
	Why        string
}

// relate notes what a citizen is to another: the one that was chosen, else the only one who is found by what was typed.
func (c *Console) relate(r *request) error {
	f := relateForm{Open: true, Kind: r.PostForm("kind"), To: clean(r.PostForm("to"), 200), Since: strings.TrimSpace(r.PostForm("since"))}
	other, err := c.otherRecord(r, &f)
	if err != nil {
		return err
	}
	if other == "" {
		return c.showCitizen(r, r.Param("id"), http.StatusUnprocessableEntity, nil, f, noteForm{})
	}
	kind, back := strings.CutSuffix(f.Kind, backwards)
	rel := ticketing.Relation{FromID: r.Param("id"), ToID: other, Kind: ticketing.RelationKind(kind), Since: f.Since}
	if back {
		rel.FromID, rel.ToID = rel.ToID, rel.FromID
	}
	_, err = c.registry.Relate(r.Request.Context(), r.actor, rel)
	if err == nil {
		return r.see("/citizens/" + r.Param("id") + "?done=related#relations")
	}
	status, key, err := recordRefusal(err)
	if err != nil {
		return err
	}
	a := r.voice.alert(key)
	f.Why = a.Title + " " + a.Detail
	if f.Refused = "to"; key == "refuse.day" {
		f.Refused = "since"
	}
	return c.showCitizen(r, r.Param("id"), status, a, f, noteForm{})
}

// otherRecord finds whom a relation is with. It says in the form why nobody was found, or among whom to choose.
func (c *Console) otherRecord(r *request, f *relateForm) (string, error) {
	if chosen := r.PostForm("chosen"); chosen != "" {
		return chosen, nil
	}
	page, err := c.reader.Citizens(r.Request.Context(), r.actor, f.To, mostFound, "")
	if err != nil {
		return "", err
	}
	for _, found := range page.Rows {
		if found.ID != r.Param("id") {
			f.Found = append(f.Found, found.Citizen)
		}
	}
	switch {
	case len(f.Found) == 1 && meant(f.To, f.Found[0]):
		return f.Found[0].ID, nil
	case len(f.Found) == 0:
		f.Refused, f.Why = "to", r.voice.say("record.nobody_found")
	}
	return "", nil
}

// meant tells whether what was typed names a record, and is not only spelt like its name.
func meant(typed string, c ticketing.Citizen) bool {
	if strings.ContainsAny(typed, "@0123456789") {
		return true
	}
	names := strings.Fields(words.Fold(strings.Join([]string{c.GivenName, c.FamilyName, c.UsageName, c.Organisation}, " ")))
	for _, word := range strings.Fields(words.Fold(typed)) {
		if !slices.ContainsFunc(names, func(name string) bool { return strings.HasPrefix(name, word) }) {
			return false
		}
	}
	return true
}

// part ends a relation today.
func (c *Console) part(r *request) error {
	record := r.PostForm("record")
	if !ticketing.IsID(record) {
		return ticketing.ErrNotFound
	}
	_, err := c.registry.Part(r.Request.Context(), r.actor, r.Param("id"), strings.TrimSpace(r.PostForm("until")))
	if err == nil {
		return r.see("/citizens/" + record + "?done=parted#relations")
	}
	status, key, err := recordRefusal(err)
	if err != nil {
		return err
	}
	return c.showCitizen(r, record, status, r.voice.alert(key), relateForm{}, noteForm{})
}

// noteRecord writes a note on a record.
func (c *Console) noteRecord(r *request) error {
	f := noteForm{Open: true, Text: unixLines(r.PostForm("text")), Department: r.PostForm("department")}
	_, err := c.registry.Note(r.Request.Context(), r.actor, r.Param("id"), f.Department, f.Text)
	if err == nil {
		return r.see("/citizens/" + r.Param("id") + "?done=record_noted#notes")
	}
	status, key, err := recordRefusal(err)
	if err != nil {
		return err
	}
	a := r.voice.alert(key)
	f.Why = a.Title + " " + a.Detail
	return c.showCitizen(r, r.Param("id"), status, a, relateForm{}, f)
}

// recordRefusal gives the status and the words of what the Registry refused; what is not there or not for her, and what failed, is
// agentapi's to answer.
func recordRefusal(err error) (status int, key string, other error) {
	var refused *ticketing.Error
	if !errors.As(err, &refused) || errors.Is(err, ticketing.ErrNotFound) || refused.Code == ticketing.CodeForbidden {
		return 0, "", err
	}
	if key, ok := recordKeys()[refused.Field+"/"+refused.Reason]; ok {
		status, _ := refusal(err)
		return status, key, nil
	}
	status, key = refusal(err)
	return status, key, nil
}

// recordKeys are the words of what only records refuse, by field and reason.
func recordKeys() map[string]string {
	return map[string]string{
		"/record_merged": "refuse.record_merged", "/erased": "refuse.record_erased", "/already_related": "refuse.already_related",
		"/too_many_relations": "refuse.too_many_relations", "to/the_same": "refuse.the_same", "to/unknown": "refuse.no_such_record",
		"since/not_a_date": "refuse.day", "until/not_a_date": "refuse.day", "until/before_since": "refuse.before_since",
		"citizen.birth_date/not_a_date": "refuse.day", "citizen.siren/wrong_number": "refuse.wrong_number", "citizen.siret/wrong_number": "refuse.wrong_number",
		"citizen.rna/wrong_number": "refuse.wrong_number", "citizen.siret/not_of_this_siren": "refuse.not_of_this_siren",
		"citizen.contacts/too_many": "refuse.too_many", "citizen.addresses/too_many": "refuse.too_many", "citizen.name/too_long": "refuse.too_long",
		"citizen.addresses/too_long": "refuse.too_long", "citizen.addresses/country": "refuse.country", "citizen.language/unknown": "refuse.language", "citizen.name/empty": "refuse.citizen",
	}
}
