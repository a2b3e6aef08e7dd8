package storetest_test
import ("testing";"fmt";"guichet/ticketing/store";"guichet/ticketing/store/storetest")
func TestZZ(t *testing.T){
	url := storetest.URL(t, store.PostgreSQL)
	db := storetest.OpenEmpty(t, url, store.Options{})
	_, err := db.Migrate(t.Context()); must(t, err)
	w := newWorld(t, db)
	w.many(t, 100_000)
	pg:=raw(t,"pgx",url)
	_, err = pg.Exec("VACUUM ANALYZE"); must(t,err)
	for _,q:=range []string{
		"select t.* from tickets t LEFT JOIN citizens c ON c.id = t.citizen_id LEFT JOIN agents a ON a.id = t.assignee_id where (t.department = any('{d00,d01,d02,d03,d04,d05,d06,d07,d08,d09,d10,d11,d12,d13,d14}') or (t.logged_by='x' and t.taken_at is null)) and t.status IN ('new','open','waiting') and t.status <> 'closed' and t.due_at is null and t.id > '0190' order by t.due_at,t.id limit 50",
		"select t.* from tickets t where (t.department = any('{d00,d01,d02,d03,d04,d05,d06,d07,d08,d09,d10,d11,d12,d13,d14}') or (t.logged_by='x' and t.taken_at is null)) and t.status IN ('new','open','waiting') and t.status <> 'closed' and (t.updated_at,t.id) < (now()+interval '50 days','0190') order by t.updated_at desc,t.id desc limit 50",
		"select t.* from tickets t where (t.department = any('{d00,d01,d02,d03,d04,d05,d06,d07,d08,d09,d10,d11,d12,d13,d14}') or (t.logged_by='x' and t.taken_at is null)) and t.status IN ('open') and t.status <> 'closed' and assignee_id=(select id from agents where name like 'Bruno%') and (t.updated_at,t.id) < (now()+interval '50 days','0190') order by t.updated_at desc,t.id desc limit 50",
	}{
		rows,err:=pg.Query("explain analyze "+q); must(t,err)
		for rows.Next(){ var s string; rows.Scan(&s); fmt.Println(s)}
		fmt.Println()
	}
}
