//! What the firm itself writes: letters, representations, statements and notes. Sample content, not advice.

use super::dice::Dice;
use super::sheet::{Sheet, our_reference, pounds, signer, subject, wants};
use super::story::CaseStory;

/// A client care letter.
pub(crate) fn care_letter(story: &CaseStory, dice: &mut Dice) -> Sheet {
    let mut sheet = Sheet::of_the_firm(&format!("Client care letter: {}", story.title));
    let fee = dice.between(9, 38) * 100;
    sheet.text(format!("Our reference: {}", our_reference(story)));
    sheet.text(format!("Dear {}", story.client));
    sheet.heading(format!("Your case: {}", subject(story)));
    sheet.text(
        "Thank you for instructing us. This letter sets out what we have agreed to do, who will do it and what it \
        will cost. Please read it, ask about anything that is not clear, and agree to it in your list of things to do.",
    );
    sheet.heading("What you want");
    sheet.text(wants(story));
    sheet.heading("What we will do");
    sheet.items(&[
        "advise you on the rules that apply and on the chances of the application",
        "tell you which documents are needed, check them and ask for what is missing",
        "draft the application and the letter that goes with it, and show you both before they are sent",
        "tell you of every decision within three working days, and of progress at least every three months",
    ]);
    sheet.heading("Who does the work");
    sheet.text(format!(
        "{} has the conduct of your case. Work is supervised by another adviser of the firm, who may read the \
        file. Your file is closed to everybody else.",
        signer(story)
    ));
    sheet.heading("What it costs");
    sheet.text(format!(
        "Our fee is fixed at £{} plus VAT. It covers everything above. It does not cover an appeal, for which \
        we would write to you again. Fees of the Home Office and the health charge are paid by you when the application is \
        submitted.",
        pounds(fee * 100)
    ));
    sheet.row("On agreement", "half of the fee", format!("£{}", pounds(fee * 50)));
    sheet.row("On submission", "the rest of the fee", format!("£{}", pounds(fee * 50)));
    sheet.heading("Your papers");
    sheet.text(
        "We keep your papers encrypted, for six years after your case is closed, and then dispose of them. Originals \
        are returned to you at once. Send us copies through the portal, not by e-mail.",
    );
    sheet.heading("If something goes wrong");
    sheet.text(
        "Tell the person who deals with your case first. If that does not help, write to Daniel Okoye, who answers \
        every complaint within eight weeks. You may then go to the body that regulates us.",
    );
    sheet.text("Yours sincerely");
    sheet.text(signer(story));
    sheet
}

const GROUNDS: &[&str] = &[
    "The relationship is genuine and subsisting. It is shown by joint liability for rent, by correspondence addressed to \
        both at one address over thirty months, and by the statements of two people who have known them throughout. Nothing \
        in the refusal engages with this evidence.",
    "The income requirement is met. Gross pay over the six months before the application, taken at the lowest month and \
        annualised, exceeds the threshold. The unpaid week in November was the result of illness; the employer confirms that \
        contractual pay did not change.",
    "Even if the requirement were not met from employment alone, cash savings held for more than six months make up the \
        difference. The statements enclosed show the balance on every day of that period.",
    "The best interests of the child are a primary consideration. The child was born here, has completed four years of \
        school here and speaks no other language well. The head teacher’s letter describes what a move in the middle of a \
        school year would mean.",
    "There would be very significant obstacles to integration in the country of return. The applicant left at the age of \
        nine, has no surviving family there and does not read the language. General country information of the last twelve \
        months is enclosed and paginated.",
    "The discretion was not exercised at all. The decision recites the guidance and then the conclusion; between the two \
        there is no reasoning. On that ground alone it ought to be withdrawn and taken again.",
    "The delay in the application is explained. The applicant was given wrong advice by a person who was not qualified to \
        give it, complained of it as soon as this was known, and applied within nine days of proper advice.",
    "The absences relied on in the refusal have been counted twice. The table at page 14 sets out each journey with the \
        stamp and the ticket that prove it. The total is 172 days, below the limit in every period of twelve months.",
];

const COMPANY_GROUNDS: &[&str] = &[
    "The sponsor has kept the records that its duties require. Right-to-work checks were made before the first day of \
        employment in all eleven files that were sampled, and changes of salary were reported within ten working days.",
    "The vacancies are genuine. Each was advertised for four weeks, the applications and the reasons for which they were \
        turned down are kept, and the duties in the contracts are those of the occupation code.",
    "The level 1 user left without notice. Reports that fell due in the following three weeks were late for that reason \
        alone; all have since been made, and a second user was appointed so that it cannot happen again.",
    "Salaries are paid as stated on the certificates. The payroll for the last twelve months is enclosed together with the \
        bank statements; two differences of less than £20 are explained by unpaid leave.",
    "Suspension would harm those whom the rules are meant to protect. Forty people depend on the care that the sponsored \
        staff give, and the local authority has confirmed that it has nobody to replace them.",
    "The compliance visit took place on a day on which the authorising officer was in hospital. The officers were told so at \
        the door; what was then taken for a refusal to answer was a receptionist who did not know.",
];

/// What can be argued in such a case.
fn grounds(story: &CaseStory) -> &'static [&'static str] {
    if story.type_name == "Sponsor licence" { COMPANY_GROUNDS } else { GROUNDS }
}

/// Legal argument, two pages.
pub(crate) fn representations(story: &CaseStory, dice: &mut Dice) -> Sheet {
    let mut sheet = Sheet::of_the_firm(&format!("Representations: {}", story.title));
    sheet.text(format!("Our reference: {}", our_reference(story)));
    sheet.text("To the Secretary of State for the Home Department");
    sheet.heading(format!("Representations for {}: {}", story.client, subject(story)));
    sheet.text(format!(
        "1. We act for {}. These representations are made in support of the application and stand together \
        with the bundle of documents, which is paginated and indexed. What is sought: {}",
        story.client,
        wants(story)
    ));
    let chosen = dice.few(grounds(story), 6);
    let mut number = 1;
    for (title, grounds) in ["The facts that matter", "The rules", "Outside the rules"].iter().zip(chosen.chunks(2)) {
        sheet.heading(*title);
        for ground in grounds {
            number += 1;
            sheet.text(format!("{number}. {ground}"));
        }
    }
    sheet.heading("The documents");
    sheet.text(
        "The bundle holds what is listed here. Each document is a copy of an original that we have seen, unless the \
        list says otherwise.",
    );
    let evidence = story.papers.iter().filter(|paper| paper.kind.is_evidence());
    let enclosed: Vec<&str> = evidence.filter_map(|paper| paper.kind.stems().first().copied()).collect();
    sheet.items(&enclosed);
    sheet.items(&["Index", "Statement of what was seen in the original"]);
    sheet.heading("What we ask");
    sheet.text(format!(
        "{}. We ask that the application be granted. Should there be doubt on any point we ask to be told of \
        it before a decision is made, and undertake to answer within ten working days.",
        number + 1
    ));
    sheet.text(signer(story));
    sheet.text("for Pell & Harrow");
    sheet
}

/// The letter that goes with an application, as a draft.
pub(crate) fn cover_letter(story: &CaseStory, dice: &mut Dice) -> Sheet {
    let mut sheet = Sheet::of_the_firm(&format!("Cover letter: {}", story.title));
    sheet.text(format!("Our reference: {}", our_reference(story)));
    sheet.text("Dear Sir or Madam");
    sheet.heading(format!("{}: {}", story.client, subject(story)));
    sheet.text(format!("We act for the above and enclose the application with its documents. {}", wants(story)));
    sheet.text(dice.word(grounds(story)));
    sheet.heading("Documents enclosed");
    let evidence = story.papers.iter().filter(|paper| paper.kind.is_evidence());
    let enclosed: Vec<&str> = evidence.map(|paper| paper.name.as_str()).chain(["Application form, signed"]).collect();
    sheet.items(&enclosed);
    sheet.heading("Biometrics");
    sheet.text(
        "The applicant will attend the appointment that is offered first. Letters may be sent to us; we are \
        instructed to receive them.",
    );
    sheet.text("Yours faithfully");
    sheet.text(signer(story));
    sheet
}

/// A note of a meeting.
pub(crate) fn attendance_note(story: &CaseStory, dice: &mut Dice) -> Sheet {
    let mut sheet = Sheet::of_the_firm(&format!("Attendance note: {}", story.title));
    let minutes = dice.between(3, 15) * 6;
    sheet.row("Attending", story.client.clone(), "");
    sheet.row("Adviser", signer(story), "");
    sheet.row(
        "Time",
        dice.word(&["in the office", "by video", "by telephone", "in the office, with an interpreter"]),
        format!("{minutes} minutes"),
    );
    sheet.heading("Instructions");
    sheet.text(story.summary.clone());
    sheet.heading("Advice given");
    sheet.text(dice.word(grounds(story)));
    sheet.text(
        "Explained that nothing should be submitted before the last document is checked, that travel while the \
        application is pending may end it, and that a change of address must be told to us at once.",
    );
    sheet.heading("To do");
    sheet.items(&dice.few(TO_DO, 4).into_iter().copied().collect::<Vec<_>>());
    sheet.text("The client agreed that this is what was said.");
    sheet
}

const TO_DO: &[&str] = &[
    "client to send six months of payslips",
    "client to ask the landlord for a letter",
    "we to draft the cover letter by Friday",
    "we to check the absences against the passport stamps",
    "client to book the English test",
    "we to order the translation",
    "supervisor to read the draft before it goes",
    "client to tell the employer that the permit is being renewed",
];

/// A statement for a witness to sign.
pub(crate) fn witness_statement(story: &CaseStory, dice: &mut Dice) -> Sheet {
    let mut sheet = Sheet::of_the_firm(&format!("Witness statement: {}", story.title));
    sheet.heading(format!("Witness statement of {}", story.client));
    sheet.text(format!("I, {}, of an address known to my representatives, will say as follows.", story.client));
    for (at, words) in dice.few(MEMORIES, 5).into_iter().enumerate() {
        sheet.text(format!("{}. {words}", at + 1));
    }
    sheet.heading("Statement of truth");
    sheet.text(
        "I believe that the facts stated in this witness statement are true. I understand that proceedings may be \
        brought against anyone who makes a false statement without an honest belief in its truth. This statement was read \
        back to me in a language that I understand.",
    );
    sheet.row("Signed", "", "");
    sheet.row("Dated", "", "");
    sheet
}

const MEMORIES: &[&str] = &[
    "I make this statement in support of my application. What I say from my own knowledge is true; what others told me I \
        believe, and I say who they are.",
    "I first came here to study. My sister met me at the airport and I lived in her house until I found a room near the \
        college.",
    "I have worked for the same employer since my second year here. I began on the night shift and now lead a team of four.",
    "My daughter was born at St Thomas’s and goes to the school at the end of our road. She sings in its choir and has the \
        same two friends since nursery.",
    "I have not been back except once, for my father’s funeral, and stayed nine days. Nobody is left in the house where I \
        grew up.",
    "The letter that the decision relies on never reached me. It was sent to an address that I had left, and of which I had \
        told the department in writing.",
    "We keep one account for the household and each our own for the rest. The rent is paid from mine, the food and the gas \
        from my partner’s.",
    "I help at the food bank on Saturdays. Its manager has written a letter, which is with the other papers.",
];

/// A note to the file in plain text.
pub(crate) fn file_note(story: &CaseStory, dice: &mut Dice) -> Sheet {
    let mut sheet = Sheet::of_the_firm(&format!("File note: {}", story.title));
    sheet.text(format!("Note by {}. Firm only.", signer(story)));
    sheet.text(dice.word(&[
        "Rang the client; no answer; left no message. Will try again tomorrow before ten.",
        "The client rang to say that the original is with the embassy and comes back in two weeks.",
        "Spoke to the contact centre for 22 minutes. They confirm that the application is with a caseworker and that nothing \
            is outstanding.",
        "The employer’s letter gives the old job title. Asked for a new one on headed paper.",
    ]));
    sheet.text(story.summary.clone());
    sheet.heading("Next");
    sheet.items(&dice.few(TO_DO, 3).into_iter().copied().collect::<Vec<_>>());
    sheet
}

/// A list of what happened when, in plain text.
pub(crate) fn chronology(story: &CaseStory, dice: &mut Dice) -> Sheet {
    let mut sheet = Sheet::of_the_firm(&format!("Chronology: {}", story.title));
    sheet.text(format!("For {}. Dates from the passport stamps and the client’s own list; to be checked.", story.client));
    sheet.heading("What happened");
    let mut year = dice.between(2009, 2016);
    for event in dice.few(EVENTS, 7) {
        let month = dice.word(&["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Sep", "Oct", "Nov"]);
        sheet.row(format!("{} {month} {year}", dice.between(1, 28)), *event, "");
        year += dice.between(1, 2);
    }
    sheet
}

const EVENTS: &[&str] = &[
    "Arrived at Heathrow with entry clearance",
    "Began a degree course",
    "Moved to the address in Leyton",
    "Leave extended, 2 years 6 months",
    "First day with the present employer",
    "Visit home, 19 days",
    "Passport renewed at the embassy",
    "Married; certificate in the bundle",
    "Child born",
    "Passed Life in the UK",
];
