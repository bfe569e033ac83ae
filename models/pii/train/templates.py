"""Sentences with slots, by language. {name} is a whole name, {g} a given name, {s} a surname."""
SHARED = """{name} <{email}>
From: {name} <{email}> To: {email} Subject: {product}
{g}: {filler}
@{user} {filler}
{name}, {address}
INFO user={user} ip=10.0.0.{n} path=/orders/{order} status=200
login failed for {user} from {city}
{date} WARN payment {order} declined card={card}
customer {name} phone {phone} order {order}
{phone} {name}
{name} ({org}), {job}
{g} {s} | {email} | {phone} | {city}
user {user} updated ticket {order}
{filler} {g} {filler}
{filler} {name} {filler}
{filler}
{filler} {filler}
{filler} {city}."""
T = {"en": """Hi, my name is {name} and I live at {address}.
My name is {g}, I ordered the {product} on {date} and it never arrived.
Please call {g} back on {phone} before Friday.
Could you change my email to {email}? Thanks, {g}
Spoke to {name} from {org} about the renewal; she will send the contract next week.
{g} said the invoice {order} was paid on {date}.
Ship it to {street}, {city}, {state} {postcode}.
{name}'s new number is {phone}.
I was born on {dob} and my SSN is {id}.
The patient {name}, born {dob}, was seen by Dr. {s} in {city}.
Charge it to my card {card}, please.
Please transfer the refund to IBAN {iban}.
Account {iban} belongs to {name}.
Customer wants the {product} delivered to {address}, attention {name}.
Had a call with {g} and {g} yesterday, they are happy with the {product}.
{name} and {name} are both out of office until {date}.
Dear Mr {s}, thank you for your order {order}.
Dear {g}, we have received your application for {job}.
Thanks for your help! Best regards, {name}, {job}, {org}
We visited {city} last summer and loved it.
{org} opened a new office in {city} led by {name}.
Assign this to {g} please, {user} is on leave.
My username is {user} but I cannot log in.
passport {id} issued to {name}
Driver's license number {id}, state {state}.
{g} was wondering whether {s} had already signed.
According to {name}, the company grew by 12 percent in {year}.
The book was written by {name} and published by {org}.
Mrs. {s} complained that the {product} broke after two days.
I met {g} at the conference in {city}; he works for {org} as {job}.
Guest {name} checked in on {date}, room {n}, paid {amount}.
Do you know {name}? He used to work with {g}.
Meeting notes: {g} to prepare slides, {s} to review budget of {amount}.
The {product} is great, would buy again.
Ticket {order} was closed on {date} because the {product} works again.
The server restarted at {date} and version {n} was deployed.
The Washington and Jordan models of our {product} are sold out until March.
Please find attached the report for order {order}, total {amount}.
Our Mercedes and Ford fleet needs service on {date}.
Refund of {amount} approved for order {order}.
When will the {product} be back in stock?
RT @{user}: {filler}
lol {g} is so right about this
happy birthday {g}!!
{name} scored twice as {city} won 3-1.
{s} told reporters on Monday that the plan had changed.
President {s} met Minister {name} in {city}.
What is the balance on card {card}?
Contact: {name}, {phone}, {email}
He lives in {city}, {state}.
Please update the address of {name} to {street}.
Her maiden name was {s}.
I'd like to speak with {g} in billing.""",
     "de": """Mein Name ist {name} und ich wohne in der {address}.
Hallo, hier ist {g} {s} aus {city}, meine Bestellung {order} ist nicht angekommen.
Bitte rufen Sie {name} unter {phone} zurück.
Sehr geehrte Frau {s}, vielen Dank für Ihre Anfrage vom {date}.
Sehr geehrter Herr {s}, Ihre Rechnung über {amount} ist noch offen.
Mit freundlichen Grüßen {name}, {job}
Viele Grüße {g}
{name} hat heute angerufen und möchte das {product} zurückgeben.
Die Kundin {name}, geboren am {dob}, wohnt in {postcode} {city}.
Bitte überweisen Sie den Betrag auf das Konto {iban}.
Die Lieferung geht an {name}, {street}, {postcode} {city}.
Der Vorsitzende {name} sagte am Montag in {city}, man habe keine Wahl gehabt.
{s} erklärte, das Unternehmen werde weiter wachsen.
Laut {name} ist die Lage in {city} ruhig.
Gestern traf {g} den Trainer {s} im Stadion.
Das Buch von {name} erschien {year} bei {org}.
Herr {s} und Frau {s} kommen am {date} zum Termin.
Meine neue E-Mail-Adresse lautet {email}, meine Nummer {phone}.
Können Sie {g} bitte ausrichten, dass die Ware da ist?
Die Steuernummer von {name} lautet {id}.
Kollege {s} übernimmt das Ticket {order}.
Wir waren im Sommer in {city} und es hat uns gut gefallen.
Das Gerät wurde am {date} repariert und funktioniert wieder.
Die Rechnung {order} über {amount} wurde bezahlt.
Wann ist der Artikel {product} wieder lieferbar?
{org} sucht ab sofort einen {job} in {city}.
Der Regisseur {name} drehte den Film gemeinsam mit {name}.
Ministerin {name} besuchte die Schule ihres Sohnes {g}.
Im Finale verlor {s} gegen {name} in drei Sätzen.
Seine Schwester {g} lebt heute in {city}.
Der Vertrag mit der Firma {org} wurde von {name} unterschrieben.
Gast {name} reist am {date} ab, Zimmer {n}.""",
     "pt": """Meu nome é {name} e moro na {address}.
Olá, aqui é {g} {s}, de {city}; meu pedido {order} não chegou.
Por favor ligue para {name} no número {phone}.
Prezada {g}, recebemos o seu pedido {order}.
Caro senhor {s}, a fatura de {amount} está em aberto.
Atenciosamente, {name}, {job}
Abraços, {g}
{name} ligou hoje e quer devolver o {product}.
A paciente {name}, nascida em {dob}, foi atendida pelo Dr. {s}.
Pode transferir o valor para a conta {iban}?
O CPF de {name} é {id}.
Entregar na {street}, {city}, {state}, CEP {postcode}.
O presidente {name} disse na segunda-feira, em {city}, que não havia escolha.
Segundo {name}, a empresa vai crescer em {year}.
{s} afirmou que o projeto será votado amanhã.
Ontem {g} encontrou o treinador {s} no estádio.
O livro de {name} foi publicado pela {org}.
O meu novo e-mail é {email} e o telefone {phone}.
O cliente {name} cancelou a reserva do quarto {n} em {date}.
O deputado {name} e a ministra {name} estiveram em {city}.
O filme foi dirigido por {name} e estrelado por {name}.
A fatura {order} no valor de {amount} foi paga.
Quando o produto {product} volta ao estoque?
Estivemos em {city} nas férias e gostamos muito.
O sistema foi atualizado em {date} e funciona de novo.
A irmã dele, {g}, vive hoje em {city}.
Dona {g} reclamou do atendimento na loja da {org}.
O advogado de {s} não quis comentar o caso.
Fala com a {g} do suporte, ela resolve.
O contrato foi assinado por {name} e por {g}.""",
     "es": """Me llamo {name} y vivo en {address}.
Hola, soy {g}, mi pedido {order} no ha llegado.
Por favor llame a {name} al {phone}.
Estimada señora {s}, hemos recibido su solicitud del {date}.
Un saludo, {name}, {job}
{name} llamó hoy y quiere devolver el {product}.
El paciente {name}, nacido el {dob}, vive en {city}.
El DNI de {name} es {id}.
Transfiera el importe a la cuenta {iban}.
Enviar a {street}, {postcode} {city}.
El presidente {name} dijo el lunes en {city} que no había otra opción.
Según {s}, la empresa crecerá en {year}.
Ayer {g} se reunió con {name} en {city}.
Mi nuevo correo es {email}.
La factura {order} por {amount} está pagada.
El libro de {name} fue publicado por {org}.
¿Cuándo vuelve a estar disponible el {product}?
El sistema se actualizó el {date}.
Su hermana {g} vive en {city}.
El abogado de {s} no quiso hacer comentarios.""",
     "fr": """Je m'appelle {name} et j'habite au {address}.
Bonjour, ici {g} {s}, ma commande {order} n'est pas arrivée.
Merci de rappeler {name} au {phone}.
Chère Madame {s}, nous avons bien reçu votre demande du {date}.
Cordialement, {name}, {job}
{name} a appelé aujourd'hui et veut rendre le {product}.
La patiente {name}, née le {dob}, habite à {city}.
Le virement doit être fait sur le compte {iban}.
Livrer à {street}, {postcode} {city}.
Le président {name} a déclaré lundi à {city} qu'il n'avait pas le choix.
Selon {s}, l'entreprise va grandir en {year}.
Hier, {g} a rencontré {name} à {city}.
Ma nouvelle adresse e-mail est {email}.
La facture {order} de {amount} est payée.
Le livre de {name} est paru chez {org}.
Le système a été mis à jour le {date}.
Sa soeur {g} vit à {city}.
Numéro de sécurité sociale de {name} : {id}""",
     "it": """Mi chiamo {name} e abito in {address}.
Buongiorno, sono {g}, il mio ordine {order} non è arrivato.
Si prega di richiamare {name} al numero {phone}.
Gentile signora {s}, abbiamo ricevuto la sua richiesta del {date}.
Cordiali saluti, {name}, {job}
Il codice fiscale di {name} è {id}.
Bonifico sul conto {iban} intestato a {name}.
Consegnare in {street}, {postcode} {city}.
Il presidente {name} ha detto lunedì a {city} che non c'era scelta.
Secondo {s}, l'azienda crescerà nel {year}.
Ieri {g} ha incontrato {name} a {city}.
La fattura {order} di {amount} è stata pagata.
Il sistema è stato aggiornato il {date}.""",
     "nl": """Mijn naam is {name} en ik woon op {address}.
Hallo, met {g}, mijn bestelling {order} is niet aangekomen.
Bel {name} terug op {phone}.
Geachte mevrouw {s}, wij hebben uw aanvraag van {date} ontvangen.
Met vriendelijke groet, {name}, {job}
De patiënt {name}, geboren op {dob}, woont in {city}.
Maak het bedrag over naar {iban} ten name van {name}.
Bezorgen op {street}, {postcode} {city}.
Voorzitter {name} zei maandag in {city} dat er geen keus was.
Volgens {s} groeit het bedrijf in {year}.
Gisteren sprak {g} met {name} in {city}.
De factuur {order} van {amount} is betaald.
Het systeem is op {date} bijgewerkt."""}
T = {k: v.split("\n") for k, v in T.items()}
SHARED = SHARED.split("\n")
WEIGHTS = {"en": 10, "de": 6, "pt": 6, "es": 3, "fr": 3, "it": 2, "nl": 2}
