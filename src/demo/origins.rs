//! Names from the countries that the demo firm's clients come from, spelled as their bearers spell them, and the file names that
//! they give to certificates from home. Adeyemi is left out on purpose: a search for it finds case 0.

/// Names that go together.
#[derive(Debug)]
pub(crate) struct Origin {
    pub(crate) given: &'static [&'static str],
    pub(crate) family: &'static [&'static str],
    /// The family name is written first.
    pub(crate) family_first: bool,
    /// File names, without ending, of a certificate from home.
    pub(crate) certificates: &'static [&'static str],
}

const fn origin(
    given: &'static [&'static str],
    family: &'static [&'static str],
    certificates: &'static [&'static str],
) -> Origin {
    Origin { given, family, family_first: false, certificates }
}

const fn family_first(
    given: &'static [&'static str],
    family: &'static [&'static str],
    certificates: &'static [&'static str],
) -> Origin {
    Origin { given, family, family_first: true, certificates }
}

pub(crate) static ORIGINS: [Origin; 32] = [
    origin(
        &["Tunde", "Ngozi", "Chidi", "Yewande", "Emeka", "Bọ́lá"],
        &["Oyelaran", "Okafor", "Balogun", "Eze", "Olatunji", "Ọláwálé"],
        &[],
    ),
    origin(&["Kwame", "Akosua", "Kofi", "Efua", "Yaw"], &["Mensah", "Boateng", "Owusu", "Asante", "Ofori-Atta"], &[]),
    origin(
        &["Selam", "Abebe", "Hiwot", "Dawit", "Tsehay"],
        &["Tesfaye", "Haile", "Gebremariam", "Bekele", "Wolde"],
        &["የልደት ምስክር ወረቀት"],
    ),
    origin(
        &["Amina", "Abdi", "Hodan", "Ayaan", "Mahad"],
        &["Yusuf", "Warsame", "Farah", "Abdullahi", "Jama"],
        &["Shahaadada dhalashada"],
    ),
    origin(
        &["Rahul", "Ananya", "Sanjay", "Lakshmi", "Harpreet", "Arjun"],
        &["Mehta", "Iyer", "Singh", "Banerjee", "Reddy", "D’Souza"],
        &["जन्म प्रमाण पत्र"],
    ),
    origin(
        &["Imran", "Sana", "Bilal", "Fatima", "Usman"],
        &["Khan", "Qureshi", "Malik", "Chaudhry", "Siddiqui"],
        &["نکاح \
        نامہ"],
    ),
    origin(&["Nusrat", "Tanvir", "Rukhsana", "Farhan"], &["Rahman", "Begum", "Chowdhury", "Hossain", "Miah"], &["জন্ম সনদ"]),
    origin(
        &["Kumaran", "Tharshini", "Nirosha", "Dilshan"],
        &["Sivakumar", "Rajapaksa", "Perera", "Thavarajah"],
        &["பிறப்புச் சான்றிதழ்"],
    ),
    origin(
        &["Łukasz", "Małgorzata", "Grzegorz", "Żaneta", "Paweł"],
        &["Wójcik", "Nowak", "Mazur", "Kaczmarek", "Zając", "Gołąb"],
        &["Akt urodzenia", "Odpis aktu małżeństwa"],
    ),
    family_first(
        &["Thị Hương", "Văn Minh", "Quốc Anh", "Thu Hà", "Đức Long"],
        &["Nguyễn", "Trần", "Phạm", "Đặng", "Lê", "Vũ"],
        &["Giấy khai sinh", "Giấy chứng nhận kết hôn"],
    ),
    family_first(
        &["Wei", "Xiaoming", "Meiling", "Jun", "Yu"],
        &["Chen", "Zhang", "Liu", "Huang", "Lü", "Zhao"],
        &["出生医学证明", "结婚证"],
    ),
    origin(&["Haruka", "Kenji", "Yūko", "Daisuke"], &["Satō", "Tanaka", "Kobayashi", "Itō", "Ōno"], &["結婚証明書", "戸籍謄本"]),
    family_first(&["Min-jun", "Seo-yeon", "Ji-ho", "Ha-eun"], &["Kim", "Park", "Choi", "Jeong", "Yoon"], &["가족관계증명서"]),
    origin(
        &["Samir", "Leila", "Nour", "Karim", "Yasmin"],
        &["Haddad", "al-Masri", "Khoury", "Bensaïd", "El Amrani"],
        &["شهادة الميلاد", "عقد الزواج"],
    ),
    origin(
        &["Parisa", "Dariush", "Shirin", "Kaveh"],
        &["Rahimi", "Moradi", "Tehrani", "Ahmadzadeh"],
        &["شناسنامه", "سند ازدواج"],
    ),
    origin(&["Noa", "Eitan", "Tamar", "Yael"], &["Ben-David", "Mizrahi", "Shapira", "Peretz"], &["תעודת לידה"]),
    origin(
        &["Deniz", "Çağla", "İbrahim", "Şule", "Oğuz"],
        &["Kaplan", "Yıldız", "Öztürk", "Güneş", "Kılıç", "Doğan"],
        &["Evlilik cüzdanı"],
    ),
    origin(
        &["Beatriz", "João", "Inês", "Conceição", "Thiago"],
        &["Santos", "Gonçalves", "Magalhães", "Assunção", "Moreira"],
        &["Certidão de casamento"],
    ),
    origin(
        &["José", "Lucía", "Begoña", "Andrés", "Ximena"],
        &["Muñoz", "Ibáñez", "Peña", "García Márquez", "Quiñones"],
        &["Partida de nacimiento"],
    ),
    origin(
        &["Aoife", "Seán", "Niamh", "Pádraig"],
        &["O’Brien", "Ó Súilleabháin", "Byrne", "Ní Dhomhnaill"],
        &["Teastas breithe"],
    ),
    origin(&["Siân", "Gwenllïan", "Rhŷs", "Owain"], &["Llewellyn", "Bevan", "Prys", "Ap Gwilym"], &["Tystysgrif geni"]),
    origin(
        &["Élodie", "François", "Zoé", "Jean-Noël", "Maëlle"],
        &["Lefèvre", "Béranger", "Kouassi", "Traoré", "Nsimba"],
        &["Acte de naissance", "Livret de famille"],
    ),
    origin(&["Lena", "Jürgen", "Käthe", "Tobias"], &["Brandt", "Müller", "Groß", "Köhler"], &["Geburtsurkunde", "Eheurkunde"]),
    origin(&["Jiří", "Zdeňka", "Ondřej", "Tereza"], &["Krejčí", "Tichý", "Janů", "Šimek"], &["Rodný list"]),
    origin(
        &["Zsófia", "László", "Erzsébet", "Győző"],
        &["Szabó", "Kőszegi", "Tóth", "Fűrész"],
        &["Születési anyakönyvi kivonat"],
    ),
    origin(&["Ștefan", "Ioana", "Mircea", "Ilinca"], &["Țăranu", "Popescu", "Bălan", "Ionescu"], &["Certificat de naștere"]),
    origin(
        &["Oksana", "Dmytro", "Larysa", "Taras"],
        &["Shevchenko", "Kovalenko", "Bondarenko", "Tkachuk"],
        &["Свідоцтво про шлюб"],
    ),
    origin(
        &["Irina", "Natalia", "Yelena", "Svetlana"],
        &["Petrova", "Volkova", "Sokolova", "Lebedeva"],
        &["Свидетельство о рождении"],
    ),
    origin(
        &["Eleni", "Giorgos", "Katerina", "Nikos"],
        &["Makri", "Galanis", "Zografos", "Economou"],
        &["Πιστοποιητικό γέννησης"],
    ),
    origin(&["Søren", "Åsa", "Bjørn", "Sigríður"], &["Sørensen", "Bergström", "Nygård", "Ångström"], &["Vigselbevis"]),
    origin(&["Somchai", "Malee", "Anong", "Prasert"], &["Srisawat", "Chaiyasit", "Thongdee", "Wongsakul"], &["สูติบัตร"]),
    origin(&["Grace", "Winston", "Shanice", "Delroy"], &["Campbell", "Bogle", "McKenzie", "Da Costa"], &[]),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_origin_has_names_that_fit_in_a_file_name_and_a_page() {
        for origin in &ORIGINS {
            assert!(origin.given.len() >= 4 && origin.family.len() >= 4, "{origin:?}");
            let all = origin.given.iter().chain(origin.family).chain(origin.certificates);
            let strange = |c: char| {
                c.is_control()
                    || "/\\:*?\"<>|".contains(c)
                    || ('\u{2028}'..='\u{206F}').contains(&c)
                    || ('\u{200B}'..='\u{200F}').contains(&c)
            };
            assert!(all.clone().all(|name| !name.chars().any(strange) && name.len() < 200), "{origin:?}");
            assert!(!origin.family.contains(&"Adeyemi"));
        }
    }
}
