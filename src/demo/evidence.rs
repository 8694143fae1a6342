//! What clients send in: statements, payslips, bills, accounts, translations and decisions. Banks, employers and councils are made up.

use super::dice::Dice;
use super::names::company;
use super::sheet::{Sheet, our_reference, pounds, subject};
use super::story::CaseStory;

const PAYEES: &[&str] = &[
    "CORNER FOODS 2184",
    "TRAVEL CHARGE ZONES 1-3",
    "GREENGROCER LEYTON",
    "WATER RATES DD",
    "GAS AND POWER DD",
    "COUNCIL TAX DD",
    "BAKERY 0412",
    "CHEMIST 1130",
    "CARD PAYMENT POST OFFICE",
    "MOBILE TELEPHONE DD",
    "NURSERY FEES",
    "TRANSFER TO SAVINGS",
];

/// Three months of a current account, two pages.
pub(crate) fn bank_statement(story: &CaseStory, dice: &mut Dice) -> Sheet {
    let mut sheet = Sheet::of(
        "Statement of account",
        dice.word(&["Larkhill Bank", "Thames & Medway Building Society", "Quaystone"]),
        &["PO Box 114, Leeds LS1 1ZZ", "Current account"],
    );
    sheet.text(story.client.clone());
    sheet.row("Sort code", "00-14-27", "");
    sheet.row("Account", format!("{:08}", dice.below(100_000_000)), "");
    let mut balance = dice.between(60_000, 480_000);
    let pay = dice.between(165_000, 310_000);
    for month in ["Sep", "Oct", "Nov"] {
        sheet.heading(format!("{month} · brought forward £{}", pounds(balance)));
        let mut day = 1;
        while day < 29 {
            let spent = dice.between(240, 9_900).min(balance / 4);
            balance -= spent;
            sheet.row(format!("{day:02} {month}"), dice.word(PAYEES), format!("-{}", pounds(spent)));
            day += dice.between(1, 3);
        }
        balance += pay;
        sheet.row(format!("28 {month}"), "BACS SALARY", pounds(pay));
        let rent = (pay / 2).min(balance);
        balance -= rent;
        sheet.row(format!("30 {month}"), "STANDING ORDER RENT", format!("-{}", pounds(rent)));
        sheet.row("", "Balance", pounds(balance));
    }
    sheet.text("Please check your statement and tell us within 30 days of anything that you do not recognise.");
    sheet
}

/// One month's pay.
pub(crate) fn payslip(story: &CaseStory, dice: &mut Dice) -> Sheet {
    let employer = company(dice);
    let mut sheet = Sheet::of("Payslip", &employer.name, &["Payroll office"]);
    let gross = dice.between(205_000, 415_000);
    let tax = gross.saturating_sub(104_700) / 5;
    let insurance = gross.saturating_sub(104_700) * 8 / 100;
    let pension = gross / 20;
    sheet.row("Employee", story.client.clone(), "");
    sheet.row("Month", dice.word(&["7 of 12", "8 of 12"]), "");
    sheet.row("Tax code", "1257L", "");
    sheet.heading("Payments");
    sheet.row("", "Basic pay", pounds(gross));
    sheet.row("", "Gross pay", pounds(gross));
    sheet.heading("Deductions");
    sheet.row("", "Income tax", pounds(tax));
    sheet.row("", "National Insurance", pounds(insurance));
    sheet.row("", "Pension", pounds(pension));
    sheet.heading("Net pay");
    sheet.row("", "Paid by BACS on the 28th", pounds(gross - tax - insurance - pension));
    sheet
}

/// An employer confirms employment, or a company says what it needs.
pub(crate) fn employer_letter(story: &CaseStory, dice: &mut Dice) -> Sheet {
    let employer = company(dice);
    let mut sheet = Sheet::of("Letter from employer", &employer.name, &["Human resources", "London"]);
    let salary = dice.between(29, 58) * 1000;
    sheet.text("To whom it may concern");
    sheet.heading(format!("Employment: {}", story.client));
    sheet.text(format!(
        "We confirm the employment of the above in the post of {}. The post is permanent and full time, at \
        37.5 hours a week and a salary of £{salary} a year, paid monthly in arrears.",
        dice.word(&[
            "senior care worker",
            "software \
        engineer",
            "dental nurse",
            "site supervisor",
            "research assistant",
            "kitchen manager"
        ])
    ));
    sheet.text(
        "Employment began more than two years ago and has not been interrupted. Sick leave has been within what the \
        contract allows. Salary is paid by bank transfer and appears on the payslips under the same name as this letter.",
    );
    sheet.text(
        "The right to work was checked before the first day and again when the last permit was issued. We know of the \
        pending application and intend to keep the post open.",
    );
    sheet.text("Questions may be put to me on the number that appears on our web site.");
    sheet.text(dice.word(&["J. Whitcombe, Head of People", "R. Adomako, Human resources", "L. Sørensen, Managing director"]));
    sheet
}

/// A council tax bill.
pub(crate) fn council_tax(story: &CaseStory, dice: &mut Dice) -> Sheet {
    let mut sheet = Sheet::of(
        "Council tax bill",
        dice.word(&["Leyfield Borough Council", "Royal Borough of Eastmarsh", "Harbourgate City Council"]),
        &["Revenues, Civic Centre"],
    );
    let year = dice.between(132_000, 241_000);
    let single = dice.chance(30);
    let due = if single { year - year / 4 } else { year };
    sheet.text(story.client.clone());
    sheet.text(
        "This is your council tax bill for the year from 1 April to 31 March. It is proof of address for most \
        purposes.",
    );
    sheet.row("Account", format!("{:09}", dice.below(1_000_000_000)), "");
    sheet.row("Band", dice.word(&["B", "C", "D"]), "");
    sheet.heading("What you owe");
    sheet.row("", "Council tax for the year", pounds(year));
    if single {
        sheet.row("", "Less single person discount, 25 per cent", format!("-{}", pounds(year - due)));
    }
    sheet.row("", "Amount due", pounds(due));
    sheet.heading("When to pay");
    for month in ["April", "May", "June", "July", "August", "September", "October", "November", "December", "January"] {
        sheet.row(format!("1 {month}"), "direct debit", pounds(due / 10));
    }
    sheet
}

/// A company's accounts on one page.
pub(crate) fn accounts(story: &CaseStory, dice: &mut Dice) -> Sheet {
    let mut sheet = Sheet::of("Accounts", &story.client, &["Unaudited accounts for the last financial year"]);
    let turnover = dice.between(18_000_000, 96_000_000);
    let cost = turnover / 100 * dice.between(41, 63);
    let wages = turnover / 100 * dice.between(18, 26);
    let other = turnover / 100 * dice.between(3, 8);
    let rows = [
        ("Turnover", turnover),
        ("Cost of sales", cost),
        ("Gross profit", turnover - cost),
        ("Wages and salaries", wages),
        ("Other charges", other),
    ];
    sheet.heading("Profit and loss, £");
    for (words, amount) in rows {
        sheet.row("", words, pounds(amount));
    }
    sheet.row("", "Profit before tax", pounds(turnover - cost - wages - other));
    sheet.heading("Staff");
    sheet.row("", "Average number of employees", dice.between(6, 84).to_string());
    sheet.row("", "of whom sponsored", dice.between(0, 6).to_string());
    sheet.text(
        "The directors are satisfied that the company is entitled to exemption from audit for the year. The accounts \
        were approved by the board and signed on its behalf.",
    );
    sheet
}

/// A translation of a certificate, with the translator's statement.
pub(crate) fn translation(story: &CaseStory, dice: &mut Dice) -> Sheet {
    let mut sheet = Sheet::of(
        "Certified translation",
        "Babelgate Translations",
        &["Certified legal translation", "Tower Row, Birmingham B1 1BB"],
    );
    let number = dice.between(1000, 99_999);
    sheet.heading(dice.word(&["Extract from the register of births", "Extract from the register of marriages"]));
    sheet.row("Entry", format!("No. {number}"), "");
    sheet.row("Name", story.client.clone(), "");
    sheet.row("Registrar", "[signature, illegible]", "");
    sheet.row("Seal", "[round seal of the civil registry]", "");
    sheet.text("[On the back: fee stamp, cancelled.]");
    sheet.heading("Translator’s statement");
    sheet.text(
        "I am competent to translate from the language of the original into English. This is a true and complete \
        translation of the document that was shown to me, of which a stamped copy is attached.",
    );
    sheet.text(dice.word(&["M. Castellanos, DPSI", "H. Yılmaz, MCIL", "A. Grabowska, MITI"]));
    sheet
}

/// A refusal.
pub(crate) fn decision(story: &CaseStory, dice: &mut Dice) -> Sheet {
    let mut sheet = Sheet::of("Decision", "Notice of decision", &["Sample of a letter from a government department"]);
    sheet.text(format!("Representative: Pell & Harrow, {}", our_reference(story)));
    sheet.text(format!("Dear {}", story.client));
    sheet.heading(format!("Your application: {}", subject(story)));
    sheet.text(
        "Your application has been considered under the Immigration Rules and has been refused. The reasons follow. \
        You have 14 days in which to appeal.",
    );
    sheet.heading("Reasons");
    for (at, reason) in dice.few(REASONS, 4).into_iter().enumerate() {
        sheet.text(format!("{}. {reason}", at + 1));
    }
    sheet.heading("What happens next");
    sheet.text(
        "You may appeal on the ground that the decision is unlawful under section 6 of the Human Rights Act 1998. If \
        you appeal in time you may stay here until the appeal is decided. If you do not, you must leave.",
    );
    sheet.text("Yours sincerely");
    sheet.text("Decision maker, on behalf of the Secretary of State");
    sheet
}

const REASONS: &[&str] = &[
    "You state that you have lived at one address with your partner for 30 months. The documents that you sent cover 19 of \
        them. No explanation is given for the gap.",
    "Your payslips for two of the six months are below the level required. It is not accepted that an unpaid week should be \
        left out of the calculation.",
    "The certificate that you provided is a photograph of a copy. The translation does not carry the name of the translator.",
    "It is noted that you have a child here. It is considered that the child is of an age to adapt, and that family life \
        could continue abroad.",
    "You have been absent for 344 days in the period. This is more than the rules allow, and you have not shown compelling \
        reasons.",
    "Consideration has been given to whether there are exceptional circumstances. It is not accepted that there are.",
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::sheet::Block;
    use crate::demo::story::case;

    #[test]
    fn balances_add_up() {
        for n in 0..200 {
            let sheet = bank_statement(&case(1, n, 6), &mut Dice::new(1, n));
            let pence = |text: &str| text.replace([',', '.', '-'], "").parse::<i64>().unwrap();
            let mut balance = 0;
            for block in &sheet.body {
                match block {
                    Block::Heading(words) => balance = pence(words.rsplit('£').next().unwrap()),
                    Block::Row([_, words, amount]) if words == "Balance" => assert_eq!(balance, pence(amount)),
                    Block::Row([_, _, amount]) if amount.starts_with('-') => balance -= pence(amount),
                    Block::Row([_, _, amount]) if !amount.is_empty() => balance += pence(amount),
                    _ => (),
                }
            }
        }
    }
}
