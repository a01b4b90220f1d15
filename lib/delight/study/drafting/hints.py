"""Words by which questions give themselves away, in the languages of the exports we meet.

They are evidence beside the shape of the values, never the only ground. Texts are compared in small letters without accents
(å a, ø o, æ ae, ß ss), names cut at underscores, digits and capitals. A stem ends open unless it ends with a dollar sign.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache


@lru_cache(maxsize=50_000)
def plain(text):
    """Small letters without accents or marks, single blanks."""
    text = str(text).casefold().replace("ø", "o").replace("æ", "ae").replace("ß", "ss").replace("œ", "oe").replace("ł", "l")
    text = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return re.sub(r"[\W_]+", " ", text).strip()


@lru_cache(maxsize=50_000)
def name_words(name):
    """A column name as words: "Q7ALL" is "q 7 all", "overallRating" "overall rating"."""
    name = re.sub(r"(?<=[a-zà-ÿ])(?=[A-ZÀ-Ý])", " ", str(name))
    name = re.sub(r"(?<=[^\W\d_])(?=\d)|(?<=\d)(?=[^\W\d_])", " ", name)
    return plain(name)


_STEMS = {
    "overall": """overall, all in all, as a whole, taken together, altogether, in general$, csat$, osat$, cusa$, global$,
        over het geheel, al met al, alles bij elkaar, alles overziend, alles overwegend, algemeen$, algemene, totaal$, algeheel, eindoordeel,
        totaalcijfer, totaaloordeel, eindcijfer, rapportcijfer, samlet, helhedsindtryk, alt i alt, overordnet, generelt, helhed, insgesamt, alles in allem, gesamt, im grossen und ganzen,
        globalement, dans l ensemble, dans son ensemble, en general, en conjunto, globalmente, sammantaget, pa det hela taget, overgripande,
        helhets, totalbetyg, totalt, nel complesso, complessiv, in generale, no geral, de modo geral""",
    "satisfaction": """satisf, tevreden, tilfreds, zufrieden, nojd, belaten, soddisf, insatisf, dissatisf, fornoyd, fornojd, happy with, experience$,
        ervaring$, oplevelse$, erlebnis$, rating$""",
    "recommend": """recommend, nps$, net promoter, netpro$, likely to refer, aanbevel, aanbeveel, aanraden, anbefal, empfehl, weiterempf,
        recommand, recomend, rekommend, consigli, raccomand, suositt, polec""",
    "repurchase": """repurchase, buy again, purchase again, choose again, come back, use again, visit again, return visit, rebook, would return,
        opnieuw kiezen, weer kiezen, opnieuw kopen, terugkomen, weer boeken, opnieuw gebruik, kobe igen, vaelge igen, vaelger igen, komme igen,
        vende tilbage, wieder kaufen, wieder wahlen, erneut, wiederkauf, wiederkommen, wieder buchen, racheter, reviendr, a nouveau,
        volver a, volveria, kopa igen, valja igen, aterkomma, komma tillbaka, ricompr, tornare""",
    "stayed": """stay a customer, remain a customer, stay with, remain with, switching intention, intend to stay, intention to leave,
        likely to renew, likelihood to renew, klant blijven, klant blijft, lid blijven, overstappen, forblive, blive kunde, bliver kunde,
        skifte til, kunde bleiben, kunde zu bleiben, rester client, seguir siendo, forbli, stanna kvar, rimanere cliente""",
    "churned": """churn, attrition, cancelled, canceled, terminated, opgezegd, opzegging, opsagt, gekundigt, resilie, customer status, lapsed$, klantstatus,
        kundestatus""",
    "expectation": "expectation, cuex$, verwachting, forventning, erwartung, attentes, expectativa, forvantning, aspettativ",
    "disconfirmation": """compared with your expect, compared to your expect, than expected, meet your expect, met your expect, exceed, fulfil,
        beter dan verwacht, dan verwacht, overtrof, i forhold til forvent, i forhold til dine forvent, levede op, end forventet, erwartungen erfullt,
        als erwartet, par rapport a vos attentes, que prevu, de lo esperado, an forvantat""",
    "importance": "importan, belang$, betydning$, bedeutung$, belangrijk, vigtig, wichtig, viktig, hvor stor betydning, importanza",
    "rated": """score$, rating$, rate$, cijfer, rapportcijfer, beoordeling, waardering, karakter$, bedommelse, note$, schulnote, bewertung, notation,
        betyg, grade$, puntuacion, valoracion, voto$, ces$, effort, ease$, gemak$, nps$""",
    "need": "need$, needs$, behoefte, behov, bedurfnis, besoin, necesidad, wens$, wensen$, prefer",
    "emotion": """delighted, surprised, elated, emotion, verrast, overrasket, begejstret, uberrascht, begeistert, surpris, sorprend, overraskad, emozion,
        how did it make you feel, did you feel, voelde u, folte du""",
    "weight": """weight$, weights$, wgt$, wt$, weighting, weging, weegfactor, gewicht$, gewichtung, vaegt$, vaegtning, vagt$, poids$, ponderation,
        peso$, ponderacion, factor de expansion, vikt$, viktning, fexp$, pweight""",
    "frequency": "freq$, frequency$, count$, counts$, antal$, aantal$, anzahl$, effectif, frecuencia, haufigkeit, frekvens$, n$",
    "date": """date$, dato$, datum$, fecha, data$, intdate, submitdate, datestamp, timestamp, tijdstempel, tidsstempel, zeitstempel, horodateur,
        marca temporal, tidstampel, completed at, created at, submitted, startdate, enddate, invuldatum, tidspunkt, dato besvaret, horodatage""",
    "duration": """duration, duree, varighed, dauer$, duracion, varaktighet, interviewtime, interview time, total time, time taken, completion time,
        time spent, in seconds, seconds$, invultijd, invulduur, duur$, besvarelsestid, bearbeitungszeit, durata, tidsforbrug, tid brugt, svarstid, elapsed""",
    "respondent": """respondent, respid$, resp id, resp nr, respnum, respnr, respno, response id, responseid, record id, recordid, case id, caseid, case no,
        participant, user id, userid, customer id, customerid, client id, clientid, member id, memberid, klantnummer, klantnr, klant id, kundenummer,
        kundenr, kundnr, kundennummer, kunde id, kund id, kunden id, id client, cliente id, id cliente, cuestionario, numero de encuesta, encuesta$, antwort id,
        antwoord id, svar id, svars id, svarsid, lopnr, lopenummer, lobenummer, lobenr, volgnummer, vragenlijstnummer, lfdn$, lfd nr, laufende nummer, uuid$,
        guid$, ticket id, deltager, numero de reponse, id de la reponse, id de respuesta, id$, ids$""",
    "location": """location, locatie, vestiging, filiaal, filial$, filiale$, branch$, branch name, branch id, branch code, store$, store name, store id,
        shop$, winkel, outlet, lokation, lokalitet, afdeling, butik, kontor$, standort, niederlassung, agence, magasin, etablissement, sucursal, tienda,
        oficina, punto de venta, restaurant$, hotel$, hospital$, clinic$, klinik$, ziekenhuis, school$, skole$, center$, centre$, centrum$,
        institution$, kindergarten, barnehave, bornehave, daginstitution, kinderdagverblijf, opvanglocatie, area$, barea$, airport$, airport name, station$, terminal$,
        depot$, site$, enhet$, avdelning, sede$, negozio, dealer$, garage$, gym$, unidad, plant$""",
    "wave": """wave$, golf$, meting, maling$, malerunde, welle$, vague$, oleada, runde$, round$, matning, meetmoment, survey year, jaar$,
        aar$, ar$, jahr$, annee$, ano$, year$, quarter$, kwartaal$, kvartal$, quartal$, trimestre$, periode$, period$""",
    "geography": """zip, postcode, postal, post code, postnummer, postnr, plz$, codigo postal, latitude, longitude, lat$, lon$, lng$, breddegrad, langdegrad,
        coordinate, geo$""",
    "region": """region, regio$, country, land$, pays$, pais$, state$, province, provincie, provincia, city$, stad$, stadt$, ville$, ciudad$, town$,
        woonplaats, kommune, kommun$, gemeente, municipality, bundesland, landsdel, lan$, county, nationalit, residence, live$, destination, dest$, kanton,
        wohnort, bopael, bostad, area code, census""",
    "contact": """email, e mail, mail$, phone$, phone number, telephone, telefoon, telefon, first name, last name, firstname, lastname, surname, full name,
        voornaam, achternaam, fornavn, efternavn, vorname, nachname, prenom, nombre, apellido, naam$, navn$, fornamn, efternamn, recipient,
        external reference, external data, externalreference, adres$, adresse$, address$, street, straat$, url$, link$, website$, refurl, token$, ip$, ipaddr,
        ip address, ip adresse, user agent, browser""",
    "technical": """status$, progress, finished$, distribution channel, collector, lastpage, last page, laatste pagina, sidste side, startlanguage, start language,
        begintaal, startsprog, seed$, user language, language$, lang$, taal$, sprog$, sprache$, langue$, idioma$, sprak$, mode$, method$, version$,
        interviewer, response set, sample type, device, platform, saq$, filename, batch$, quota, screener, consent, toestemming, samtykke, response type""",
    "demographic": """gender, sex$, age$, ages$, age group, agegroup, age band, birth, geboorte, income, incme$, education, marital, married, household, occupation, employ,
        ethnic, race$, religion, children, dependents, senior citizen, job$, profession, hours a week, geslacht, leeftijd, inkomen, opleiding,
        burgerlijke, huishouden, beroep, gezin, werkzaam, kon$, alder$, aldersgruppe, indkomst, uddannelse, civilstand, husstand, stilling, beskaeftigelse,
        geschlecht, alter$, altersgruppe, einkommen, bildung, familienstand, haushalt, beruf, schulabschluss, sexe$, tranche d age, revenu, diplome,
        situation familiale, niveau d etudes, genre$, sexo$, edad$, ingreso, educacion, estado civil, ocupacion, kjonn, inkomst, utbildning, hushall,
        yrke, sysselsattning, sesso$, eta$, reddito, istruzione, professione, nphh$, years old, ar gammal, jaar oud""",
    "customer": """customer type, client type, klanttype, kundetype, kundentyp, kundtyp, type of travel, travel type, class$, contract, plan$, product type, subscription,
        abonnement, service type, servicetype, type traveller, traveller type, type of customer, internet service, phone service, lounge type, purpose, purp$, type$, membership type,
        main activity, tipo de cliente, tarif$, peak$, strata$, stratum$, day$, airline, serviceprovider, service provider, provider$, brand$, merk$, marke$, company$,
        mga$, grp$, group$""",
    "segment": "segment$, segments$, persona$, klantgroep, kundesegment, klantsegment, kundengruppe, kundgrupp",
    "model": """predicted, prediction, predict$, pred$, prob$, probability, propensity, yhat, y hat, fitted, residual, resid$, cluster, kmeans, qcl$, fac$, zscore,
        z score, zscr$, principal component, pca$, logit$, model score, nps group, nps category, nps segment, nps groep, nps gruppe, nps type, promoter type,
        cltv$, clv$, churn score, lifetime value, embedding, sentiment, topic, topics, kans$, sandsynlighed for, voorspel, forudsagt,
        forudsigelse, vorhersage, vorhergesagt, prevision, predicho, predic, probabilidad, prediktion, latent class, posterior, mahalanobis, cook$, leverage$, quality score,
        risk score, score model, imputed""",
    "tenure": """tenure, customer since, klant sinds, jaren klant, kunde siden, kundeanciennitet, anciennitet, anciennete, client depuis, antiguedad, kund sedan,
        kund i, kunde seit, months as customer, years as customer, years as a customer, years of experience, year joined, joined, join the, lid sinds, medlem siden,
        member since, hoe lang bent u, how long have you been, manader som kund, maneder som kunde, maanden klant""",
    "spend": """total charges, charges$, revenue, omzet, omsaetning, umsatz, sales$, spend$, spent$, spending, amount$, turnover, besteding, forbrug$, montant,
        gasto, importe$, monthly charge, omsattning, belopp, price paid, order value, basket, purchase value, bedrag, belob""",
    "comment": """comment, opmerking, toelichting, bemaerkning, kommentar, uddyb, commentaire, remarque, comentario, observacion, likes$, dislikes$, verbatim, open text,
        free text, review$, feedback$, suggest, forslag, verbeter, improve, remark, anmerkung, vorschlag, why$, waarom, hvorfor, warum, pourquoi,
        por que, varfor, reason for your, main reason, primary reason, most important reason, reden voor, belangrijkste reden, reden van, vigtigste grund, vigtigste arsag,
        arsagen til, grunden til, hauptgrund, grund fur, raison principale, content$, tell us, vertel, fortael, beskriv, toelicht, explain, synpunkt, motiver, words$""",
    "incident": "incident, complaint, klacht, klage, reklamation, beschwerde, reclamacion, queja, klagomal, problem$, problems$, problema$, probleem, probleme",
    "count": "number of, aantal$, antal$, anzahl$, nombre de, numero de$, hoeveel, hvor mange, how many, wie viele, combien",
    "code": "com$, code$, codes$, kode$, coded$, improve$",
    "other text": "other$, specify, anders namelijk, andet$, sonstiges, autre$, precisez, otro$, especifique, annat$, altro$, oth$",
}


def _pattern(stems):
    parts = []
    for stem in " ".join(stems.split()).split(", "):
        parts.append(rf"\b{re.escape(stem[:-1])}\b" if stem.endswith("$") else rf"\b{re.escape(stem)}")
    return re.compile("|".join(parts))


_PATTERNS = {role: _pattern(stems) for role, stems in _STEMS.items()}
#: Compound words whose stem stands at the end or inside ("klanttevredenheid", "Gesamtzufriedenheit").
_INSIDE = {
    "respondent": re.compile(r"\w(?<!pa)(?<!va)(?<!cov)(?<!andro)(?<!ra)id$"),
    "satisfaction": re.compile(r"\w(tevreden|zufrieden|tilfreds)"),
    "date": re.compile(r"\w(datum|date|dato)$|\w(datum|date)\b"),
    "weight": re.compile(r"\w(weight|vaegt|gewicht|wgt)\b"),
    "demographic": re.compile(r"\w(leeftijd|geslacht)\b"),
}


@lru_cache(maxsize=50_000)
def hints(name, text=""):
    """The subjects that a column's name and question text speak of.

    Parameters
    ----------
    name, text : str
        As in the file.

    Returns
    -------
    frozenset of str
    """
    words = name_words(name)
    both = (words, plain(name), plain(text)) if text else (words, plain(name))
    found = {subject for subject, pattern in _PATTERNS.items() if any(pattern.search(b) for b in both)}
    found |= {subject for subject, pattern in _INSIDE.items() if any(pattern.search(b) for b in both[:2])}
    return frozenset(found)


_LANGUAGE_WORDS = {
    "nl": "de het een en van ik niet is op te met voor u uw wij ons dat bij zijn heeft hoe bent wordt over tevreden",
    "da": "og det er til af ikke en et med du dig hvor hvordan vi har den på for som jeg meget tilfreds",
    "en": "the and of to is you your with how for in are was not have i it that satisfied",
    "de": "der die das des dem den im von zum und ist nicht mit sie wie für ein eine ich auf zu wir ihre zufrieden",
    "fr": "le la les et est vous votre de des un une pas pour avec que dans qu",
    "es": "el la los las y es de que con por su usted muy una un para como",
    "sv": "och att det är du med för inte på som jag hur av till en ett nöjd",
    "it": "il di che e la per non una con sono del come suo",
}


def language_of(texts):
    """The likeliest language (ISO code) of some texts by their commonest words, or "" if they hold too few."""
    words = re.findall(r"[^\W\d_]+", " ".join(str(t) for t in texts).casefold())
    if not words:
        return ""
    scores = {language: sum(w in set(common.split()) for w in words) for language, common in _LANGUAGE_WORDS.items()}
    best = max(scores, key=scores.get)
    second = max(v for k, v in scores.items() if k != best)
    return best if scores[best] >= 4 and scores[best] >= 0.08 * len(words) and scores[best] > 1.15 * second else ""
