//! The kinds of work that the demo firm does: how such a case is called, what the client wants, how it ends and which papers it
//! gathers. Sample content; a real firm sets its own case types.

use super::paper::PaperKind::{self, *};

/// One kind of work.
#[derive(Debug)]
pub(crate) struct CaseType {
    pub(crate) name: &'static str,
    /// For a company, not for a person.
    pub(crate) company: bool,
    /// What follows the client in a title, and what the client wants in one sentence.
    pub(crate) works: &'static [(&'static str, &'static str)],
    pub(crate) outcomes: &'static [&'static str],
    /// What such a case gathers, each kind once.
    pub(crate) papers: &'static [PaperKind],
}

/// The names of all case types, the commoner ones first.
pub(crate) const TYPES: &[&str] = &[
    SPOUSE.name,
    SKILLED.name,
    SPONSOR.name,
    NATURALISATION.name,
    ILR.name,
    VISIT.name,
    ASYLUM.name,
    STUDENT.name,
    REUNION.name,
    SETTLEMENT.name,
    APPEAL.name,
    PRIVATE_LIFE.name,
    FEE_WAIVER.name,
    FOUNDER.name,
];

/// All case types, in the order of [`TYPES`].
pub(crate) static CASE_TYPES: [CaseType; 14] = [
    SPOUSE,
    SKILLED,
    SPONSOR,
    NATURALISATION,
    ILR,
    VISIT,
    ASYLUM,
    STUDENT,
    REUNION,
    SETTLEMENT,
    APPEAL,
    PRIVATE_LIFE,
    FEE_WAIVER,
    FOUNDER,
];

const SPOUSE: CaseType = CaseType {
    name: "Spouse or partner",
    company: false,
    works: &[
        ("spouse extension", "Further leave to remain as a partner, 2 years 6 months."),
        ("spouse entry clearance", "Entry clearance to join a partner who is settled here."),
        ("unmarried partner visa", "A switch to the partner route before the present leave ends."),
        ("fiancé visa", "Leave to enter and marry within six months."),
    ],
    outcomes: &["Granted, 2 years 6 months", "Granted, 2 years 9 months", "Refused", "Withdrawn by the client"],
    papers: &[
        CareLetter,
        Passport,
        Permit,
        BankStatement,
        Payslip,
        EmployerLetter,
        TenancyPhoto,
        CertificateScan,
        CoverLetter,
        AttendanceNote,
    ],
};

const SKILLED: CaseType = CaseType {
    name: "Skilled Worker",
    company: false,
    works: &[
        ("Skilled Worker", "Leave as a Skilled Worker, from abroad."),
        ("Skilled Worker extension", "An extension with the same sponsor before the certificate lapses."),
        ("change of employer", "Leave as a Skilled Worker with a new sponsor."),
        ("Health and Care visa", "A Health and Care visa for a nurse and two dependants."),
    ],
    outcomes: &["Granted, 3 years", "Granted, 5 years", "Refused", "Went to another adviser"],
    papers: &[CareLetter, Passport, Permit, EmployerLetter, Payslip, BankStatement, CoverLetter, AttendanceNote, FileNote],
};

const SPONSOR: CaseType = CaseType {
    name: "Sponsor licence",
    company: true,
    works: &[
        ("sponsor licence", "A licence to sponsor Skilled Workers, with four undefined certificates."),
        ("sponsor licence renewal", "Renewal of the licence, and a new authorising officer."),
        ("compliance visit", "Advice before a compliance visit, and a mock audit of the personnel files."),
        ("certificates of sponsorship", "Defined certificates for two engineers."),
        ("licence suspension", "An answer to the suspension letter within 20 working days."),
    ],
    outcomes: &["Licence granted, A rating", "Renewed", "Refused", "Suspension lifted"],
    papers: &[CareLetter, Accounts, EmployerLetter, Representations, Chronology, CoverLetter, AttendanceNote, FileNote],
};

const NATURALISATION: CaseType = CaseType {
    name: "Naturalisation",
    company: false,
    works: &[
        ("naturalisation", "Naturalisation as a British citizen after five years."),
        ("naturalisation, section 6(2)", "Naturalisation as the spouse of a British citizen, after three years."),
        ("child registration", "Registration of a child born here before the parents settled."),
    ],
    outcomes: &["Ceremony attended", "Approved", "Refused", "Withdrawn by the client"],
    papers: &[CareLetter, Passport, Permit, CertificateScan, Translation, CouncilTax, CoverLetter, AttendanceNote, Chronology],
};

const ILR: CaseType = CaseType {
    name: "ILR",
    company: false,
    works: &[
        ("indefinite leave", "Indefinite leave after five years on the same route."),
        ("long residence", "Indefinite leave on ten years of lawful residence."),
        (
            "indefinite leave after domestic abuse",
            "Indefinite leave after a relationship ended by abuse; keep the address secret.",
        ),
    ],
    outcomes: &["Indefinite leave granted", "Granted, 2 years 6 months instead", "Refused"],
    papers: &[CareLetter, Passport, Permit, Payslip, BankStatement, CouncilTax, Chronology, CoverLetter, AttendanceNote],
};

const VISIT: CaseType = CaseType {
    name: "Visit",
    company: false,
    works: &[
        ("visit visa", "A visit of three weeks for a wedding."),
        ("visit visas, family of four", "Visit visas for a family of four, refused once before."),
        ("visit to a dying parent", "An urgent visit; the hospital letter is promised."),
    ],
    outcomes: &["Granted, 6 months", "Refused", "Withdrawn by the client"],
    papers: &[Passport, BankStatement, EmployerLetter, CertificateScan, Translation, CoverLetter, FileNote],
};

const ASYLUM: CaseType = CaseType {
    name: "Asylum",
    company: false,
    works: &[
        ("asylum claim", "Protection; the screening interview was last month."),
        ("further submissions", "Further submissions on new country evidence."),
        ("asylum interview", "Protection; the substantive interview is still to come."),
        ("asylum support", "A place to live while the claim is decided."),
    ],
    outcomes: &[
        "Refugee leave granted",
        "Humanitarian protection granted",
        "Refused, appeal lodged",
        "Went to another \
        adviser",
    ],
    papers: &[CareLetter, WitnessStatement, Representations, Translation, CertificateScan, Chronology, AttendanceNote, FileNote],
};

const STUDENT: CaseType = CaseType {
    name: "Student",
    company: false,
    works: &[
        ("student visa", "Leave to begin a master’s course in September."),
        ("Graduate route", "A switch from Student to the Graduate route."),
        ("student extension", "Leave to finish a doctorate, 14 months more."),
    ],
    outcomes: &["Granted", "Refused", "Withdrawn by the client"],
    papers: &[CareLetter, Passport, Permit, BankStatement, CertificateScan, Translation, CoverLetter, FileNote],
};

const REUNION: CaseType = CaseType {
    name: "Family reunion",
    company: false,
    works: &[
        ("family reunion", "Entry clearance for a wife who was left behind."),
        ("family reunion for two children", "Entry clearance for two children, one of them nearly 18."),
        ("reunion with a brother", "Reunion of a minor with a brother who is a refugee here."),
    ],
    outcomes: &["Granted", "Refused, appeal lodged", "Family arrived"],
    papers: &[
        CareLetter,
        CertificateScan,
        Translation,
        WitnessStatement,
        Representations,
        TenancyPhoto,
        AttendanceNote,
        FileNote,
    ],
};

const SETTLEMENT: CaseType = CaseType {
    name: "EU Settlement",
    company: false,
    works: &[
        ("EU settled status", "Settled status after five years here."),
        ("late EU application", "Settled status; applied late for reasons that can be shown."),
        ("pre-settled to settled", "Settled status after five years with pre-settled status."),
    ],
    outcomes: &["Settled status", "Pre-settled status", "Refused, administrative review"],
    papers: &[CareLetter, Passport, Payslip, CouncilTax, TenancyPhoto, Chronology, CoverLetter, AttendanceNote],
};

const APPEAL: CaseType = CaseType {
    name: "Appeal",
    company: false,
    works: &[
        ("appeal to the Tribunal", "To appeal against the refusal; the hearing is listed."),
        ("permission to appeal", "Permission to appeal to the Upper Tribunal on one point of law."),
        ("human rights appeal", "To appeal against the refusal on Article 8 grounds."),
    ],
    outcomes: &["Allowed", "Dismissed", "Withdrawn by the Home Office", "Permission refused"],
    papers: &[CareLetter, Decision, WitnessStatement, Representations, Chronology, BankStatement, AttendanceNote, FileNote],
};

const PRIVATE_LIFE: CaseType = CaseType {
    name: "Private life",
    company: false,
    works: &[
        ("private life", "Leave on private life grounds for someone who came here at nine."),
        ("seven-year child", "Leave on the strength of a child who has lived here for seven years."),
        ("private life, 20 years", "Leave after 20 years here, most of them without papers."),
    ],
    outcomes: &["Granted, 2 years 6 months", "Granted, 5 years", "Refused"],
    papers: &[
        CareLetter,
        WitnessStatement,
        CertificateScan,
        CouncilTax,
        TenancyPhoto,
        Representations,
        Chronology,
        AttendanceNote,
    ],
};

const FEE_WAIVER: CaseType = CaseType {
    name: "Fee waiver",
    company: false,
    works: &[
        ("fee waiver", "A waiver of the fee; six months of statements show why."),
        ("fee waiver and extension", "A waiver of the fee and the health charge, then an extension."),
    ],
    outcomes: &["Waived in full", "Waived in part", "Refused"],
    papers: &[BankStatement, Payslip, TenancyPhoto, CouncilTax, WitnessStatement, CoverLetter, FileNote],
};

const FOUNDER: CaseType = CaseType {
    name: "Innovator Founder",
    company: false,
    works: &[
        ("innovator founder", "Endorsement, then leave to build a business here."),
        ("Global Talent", "Endorsement as a leader in digital technology."),
        ("founder extension", "An extension after the 24-month contact point meeting."),
    ],
    outcomes: &["Granted, 3 years", "Endorsement refused", "Withdrawn by the client"],
    papers: &[CareLetter, Passport, Accounts, BankStatement, Representations, CoverLetter, AttendanceNote, FileNote],
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_named_in_one_order_and_have_enough_to_say() {
        let names: Vec<_> = CASE_TYPES.iter().map(|kind| kind.name).collect();
        assert_eq!(names, TYPES);
        for kind in &CASE_TYPES {
            assert!(kind.papers.len() >= 6 && !kind.works.is_empty() && !kind.outcomes.is_empty());
            let again = kind.papers.iter().enumerate().any(|(at, paper)| kind.papers[..at].contains(paper));
            assert!(!again, "{} names a paper twice", kind.name);
        }
    }
}
