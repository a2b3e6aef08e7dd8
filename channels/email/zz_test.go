package email
import ("testing";"guichet/channels/email/mailtest";"os";"fmt";"context")
func TestZZ(t *testing.T){ d:=t.TempDir(); s,err:=mailtest.StartDovecot(d); if err!=nil{t.Fatal(err)}
 _,err=openIMAP(context.Background(), IMAP{Host:s.Host,Port:s.Port,TLS:NoTLS,Username:s.User,Password:s.Password}); fmt.Println(err); s.Close(); b,_:=os.ReadFile(d+"/dovecot.log"); fmt.Println(string(b)) }
