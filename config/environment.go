package config

import (
	"maps"
	"slices"
	"strings"
)

// readEnvironment reads the variables. Every one that begins with our prefix must mean something: a misspelt one would otherwise
// leave a default in force without a word. Kubernetes adds some for a service called guichet, which are none of ours.
func (r *reader) readEnvironment(variables map[string]string, kubernetes bool) {
	r.addItems(variables)
	all := r.settable()
	for _, name := range sortedNames(variables) {
		switch {
		case name == "GUICHET_CONFIG", strings.HasPrefix(name, "GUICHET_TEST_"):
			continue
		case kubernetes && (strings.HasPrefix(name, "GUICHET_SERVICE_") || strings.HasPrefix(name, "GUICHET_PORT")):
			continue
		}
		base, inFile := strings.CutSuffix(name, "_FILE")
		k, known := all[base]
		switch {
		case !known:
			r.problem("unknown variable %s; the nearest right one is %s", name, meant(name, all))
		case inFile && variables[base] != "":
			r.problem("%s and %s are both set; keep one of them", base, name)
		case inFile:
			r.fromFile(r.env, k.path, name, variables[name], k.kind)
		default:
			r.set(r.env, k.path, name, variables[name], k.kind)
		}
	}
}

// addItems adds those that only the environment speaks of. The address of a mailbox makes one; any other variable of a mailbox that
// does not exist is more likely meant for one that does. So with the number of a line and the token of an exchange.
func (r *reader) addItems(variables map[string]string) {
	for _, name := range sortedNames(variables) {
		for _, l := range lists() {
			middle, fits := between(strings.TrimSuffix(name, "_FILE"), variable(l.path)+"_", "_"+variable(l.maker))
			if !fits {
				continue
			}
			it := listItem{list: l.path, name: strings.ReplaceAll(strings.ToLower(middle), "_", "-")}
			if _, taken := r.item(it.path()); !taken {
				r.items = append(r.items, it)
				r.env[join(it.path(), "name")] = it.name
			}
		}
	}
}

// settable lists the variables there are: those of a list once for each of its items, but not their names, which address them.
func (r *reader) settable() map[string]key {
	all := map[string]key{}
	for _, k := range keys("", r.root) {
		list, last, inList := strings.Cut(k.path, "."+item+".")
		if !inList {
			all[prefix+variable(k.path)] = k
			continue
		}
		for _, it := range r.items {
			if it.list == list && last != "name" {
				path := join(it.path(), last)
				all[prefix+variable(path)] = key{path, k.kind}
			}
		}
	}
	return all
}

// meant finds the variable a wrong one was meant for. Where it speaks of a mailbox, a line or an exchange nobody has described,
// that may be the one to begin with.
func meant(wrong string, all map[string]key) string {
	base, inFile := strings.CutSuffix(wrong, "_FILE")
	names := sortedNames(all)
	for _, l := range lists() {
		if rest, ours := strings.CutPrefix(base, prefix+variable(l.path)+"_"); ours {
			name, _, _ := strings.Cut(rest, "_")
			names = append(names, prefix+variable(join(join(l.path, name), l.maker)))
		}
	}
	name := nearest(base, names)
	if inFile {
		name += "_FILE"
	}
	return name
}

// between returns what stands in the name of a variable between a list and a key.
func between(name, list, last string) (string, bool) {
	rest, ours := strings.CutPrefix(name, prefix+list)
	middle, fits := strings.CutSuffix(rest, last)
	return middle, ours && fits && middle != ""
}

func sortedNames[V any](byName map[string]V) []string { return slices.Sorted(maps.Keys(byName)) }
