//! Writes a sheet as a Word document (ECMA-376): the least that Word, LibreOffice and text extractors open. No dates, so that the
//! bytes depend on the sheet alone.

use std::io::{Cursor, Write};

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

use super::sheet::{Block, Sheet};

/// The file.
pub(crate) fn write(sheet: &Sheet) -> Vec<u8> {
    // Writing to memory does not fail; were it to, the demo would show an empty file rather than stop.
    packed(sheet).unwrap_or_default()
}

fn packed(sheet: &Sheet) -> zip::result::ZipResult<Vec<u8>> {
    let options =
        SimpleFileOptions::default().compression_method(CompressionMethod::Deflated).last_modified_time(DateTime::default());
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let parts = [
        ("[Content_Types].xml", CONTENT_TYPES.to_owned()),
        ("_rels/.rels", RELATIONS.to_owned()),
        ("docProps/core.xml", properties(sheet)),
        ("word/_rels/document.xml.rels", STYLE_RELATION.to_owned()),
        ("word/styles.xml", STYLES.to_owned()),
        ("word/document.xml", document(sheet)),
    ];
    for (name, text) in parts {
        zip.start_file(name, options)?;
        zip.write_all(text.as_bytes())?;
    }
    Ok(zip.finish()?.into_inner())
}

const HEAD: &str = r#"<?xml version="1.0" encoding="UTF-8" standalone="yes"?>"#;

const CONTENT_TYPES: &str = r#"<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">
<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>
<Default Extension="xml" ContentType="application/xml"/>
<Override PartName="/word/document.xml" ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/>
<Override PartName="/word/styles.xml" ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.styles+xml"/>
<Override PartName="/docProps/core.xml" ContentType="application/vnd.openxmlformats-package.core-properties+xml"/></Types>"#;

const RELATIONS: &str = r#"<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">
<Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="word/document.xml"/>
<Relationship Id="rId2" Type="http://schemas.openxmlformats.org/package/2006/relationships/metadata/core-properties" Target="docProps/core.xml"/>
</Relationships>"#;

const STYLE_RELATION: &str = r#"<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">
<Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/styles" Target="styles.xml"/>
</Relationships>"#;

const STYLES: &str = r#"<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<w:styles xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:docDefaults><w:rPrDefault><w:rPr>
<w:rFonts w:ascii="Georgia" w:hAnsi="Georgia" w:cs="Georgia"/><w:sz w:val="22"/><w:lang w:val="en-GB"/></w:rPr></w:rPrDefault>
<w:pPrDefault><w:pPr><w:spacing w:after="120" w:line="276" w:lineRule="auto"/></w:pPr></w:pPrDefault></w:docDefaults>
<w:style w:type="paragraph" w:default="1" w:styleId="Normal"><w:name w:val="Normal"/></w:style>
<w:style w:type="paragraph" w:styleId="Title"><w:name w:val="Title"/><w:basedOn w:val="Normal"/><w:pPr><w:spacing w:after="0"/>
</w:pPr><w:rPr><w:b/><w:sz w:val="36"/></w:rPr></w:style>
<w:style w:type="paragraph" w:styleId="Subtitle"><w:name w:val="Subtitle"/><w:basedOn w:val="Normal"/><w:pPr>
<w:spacing w:after="0"/></w:pPr><w:rPr><w:color w:val="595959"/><w:sz w:val="17"/></w:rPr></w:style>
<w:style w:type="paragraph" w:styleId="Heading1"><w:name w:val="heading 1"/><w:basedOn w:val="Normal"/><w:next w:val="Normal"/>
<w:pPr><w:keepNext/><w:spacing w:before="240" w:after="60"/><w:outlineLvl w:val="0"/></w:pPr><w:rPr><w:b/><w:sz w:val="24"/>
</w:rPr></w:style>
<w:style w:type="paragraph" w:styleId="Item"><w:name w:val="Item"/><w:basedOn w:val="Normal"/><w:pPr><w:spacing w:after="40"/>
<w:ind w:left="360" w:hanging="240"/></w:pPr></w:style>
<w:style w:type="paragraph" w:styleId="Row"><w:name w:val="Row"/><w:basedOn w:val="Normal"/><w:pPr><w:tabs>
<w:tab w:val="left" w:pos="2000"/><w:tab w:val="right" w:pos="9000"/></w:tabs><w:spacing w:after="20"/></w:pPr></w:style>
</w:styles>"#;

fn properties(sheet: &Sheet) -> String {
    let (title, author) = (escaped(&sheet.title), escaped(&sheet.from));
    format!(
        r#"{HEAD}
<cp:coreProperties xmlns:cp="http://schemas.openxmlformats.org/package/2006/metadata/core-properties" xmlns:dc="http://purl.org/dc/elements/1.1/">
<dc:title>{title}</dc:title><dc:creator>{author}</dc:creator></cp:coreProperties>"#
    )
}

fn document(sheet: &Sheet) -> String {
    let mut body = paragraph("Title", &[&sheet.from]);
    body.extend(sheet.address.iter().map(|line| paragraph("Subtitle", &[line])));
    body.push_str(&paragraph("Heading1", &[&sheet.title]));
    for block in &sheet.body {
        body.push_str(&match block {
            Block::Heading(words) => paragraph("Heading1", &[words]),
            Block::Text(words) => paragraph("Normal", &[words]),
            Block::Item(words) => paragraph("Item", &[&format!("•  {words}")]),
            Block::Row([first, second, third]) => paragraph("Row", &[first, second, third]),
        });
    }
    format!(
        r#"{HEAD}
<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body>{body}<w:sectPr>
<w:pgSz w:w="11906" w:h="16838"/>
<w:pgMar w:top="1304" w:right="1304" w:bottom="1304" w:left="1304" w:header="708" w:footer="708" w:gutter="0"/></w:sectPr>
</w:body></w:document>"#
    )
}

/// One paragraph; cells are parted by tabs.
fn paragraph(style: &str, cells: &[&String]) -> String {
    let runs: Vec<String> =
        cells.iter().map(|words| format!(r#"<w:r><w:t xml:space="preserve">{}</w:t></w:r>"#, escaped(words))).collect();
    format!(r#"<w:p><w:pPr><w:pStyle w:val="{style}"/></w:pPr>{}</w:p>"#, runs.join("<w:r><w:tab/></w:r>"))
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[test]
    fn the_file_opens_and_says_what_the_sheet_says() {
        let mut sheet = Sheet::of_the_firm("Note: Łukasz <1>");
        sheet.text("Pell & Harrow wrote to Nguyễn.");
        sheet.row("Signed", "", "");
        let mut zip = zip::ZipArchive::new(Cursor::new(write(&sheet))).unwrap();
        let mut text = String::new();
        zip.by_name("word/document.xml").unwrap().read_to_string(&mut text).unwrap();
        assert!(text.contains("Pell &amp; Harrow wrote to Nguyễn.") && text.contains("Łukasz &lt;1&gt;"));
        assert!(zip.by_name("[Content_Types].xml").is_ok() && zip.by_name("_rels/.rels").is_ok());
    }
}
