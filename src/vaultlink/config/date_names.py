"""The names of months and weekdays in the names of periodic notes.

moment.js writes them in the language of Obsidian. They are in lower case and without a final full
stop. Names with digits, as of Japanese months, are read by `vaultlink.config.date_formats`.
"""

_MONTHS = """
january jan february feb march mar april apr may june jun july jul august aug september sep
october oct november nov december dec januar februar märz mai juni juli oktober okt dezember
dez janvier janv février févr mars avril avr juin juillet juil août septembre sept octobre
novembre décembre déc enero ene febrero marzo abril abr mayo junio julio agosto ago septiembre
octubre noviembre diciembre dic gennaio gen febbraio aprile maggio mag giugno giu luglio lug
settembre set ottobre ott dicembre janeiro fevereiro fev março maio junho julho setembro
outubro out novembro dezembro januari februari maart mrt mei augustus maj augusti marts
desember des tammikuu tammi helmikuu helmi maaliskuu maalis huhtikuu huhti toukokuu touko
kesäkuu kesä heinäkuu heinä elokuu elo syyskuu syys lokakuu loka marraskuu marras joulukuu
joulu styczeń sty stycznia luty lut lutego marzec marca kwiecień kwi kwietnia maja czerwiec cze
czerwca lipiec lip lipca sierpień sie sierpnia wrzesień wrz września październik paź
października listopad lis listopada grudzień gru grudnia leden led ledna únor úno února březen
bře března duben dub dubna květen kvě května červen čvn června červenec čvc července srpen srp
srpna září zář říjen říj října listopadu prosinec pro prosince január február március márc
április ápr május máj június jún július júl augusztus szeptember szept október ianuarie ian
februarie martie mart aprilie iunie iun iulie iul septembrie octombrie noiembrie decembrie
gener de_gener febrer febr de_febrer març de_març d’abril maig de_maig juny de_juny juliol
de_juliol agost ag d’agost setembre de_setembre d’octubre de_novembre desembre de_desembre
ιανουάριος ιαν ιανουαρίου φεβρουάριος φεβ φεβρουαρίου μάρτιος μαρ μαρτίου απρίλιος απρ απριλίου
μάιος μαϊ μαΐου ιούνιος ιουν ιουνίου ιούλιος ιουλ ιουλίου αύγουστος αυγ αυγούστου σεπτέμβριος
σεπ σεπτεμβρίου οκτώβριος οκτ οκτωβρίου νοέμβριος νοε νοεμβρίου δεκέμβριος δεκ δεκεμβρίου
январь янв января февраль февр февраля март марта мар апрель апр апреля май мая июнь июня июль
июля август авг августа сентябрь сент сентября октябрь окт октября ноябрь нояб ноября декабрь
дек декабря січень січ січня лютий лют лютого березень бер березня квітень квіт квітня травень
трав травня червень черв червня липень лип липня серпень серп серпня вересень вер вересня
жовтень жовт жовтня листопад лист листопада грудень груд грудня ocak oca şubat şub nisan nis
mayıs haziran haz temmuz tem ağustos ağu eylül eyl ekim eki kasım kas aralık ara maret agustus
agu يناير فبراير مارس أبريل مايو يونيو يوليو أغسطس سبتمبر أكتوبر نوفمبر ديسمبر ژانویه فوریه
آوریل مه ژوئن ژوئیه اوت سپتامبر اکتبر نوامبر دسامبر ינואר ינו׳ פברואר פבר׳ מרץ אפריל אפר׳ מאי
יוני יולי אוגוסט אוג׳ ספטמבר ספט׳ אוקטובר אוק׳ נובמבר נוב׳ דצמבר דצמ׳ जनवरी जन फरवरी फ़र फ़रवरी
मार्च अप्रैल अप्रै मई जून जुलाई जुल अगस्त अग सितंबर सित सितम्बर अक्टूबर अक्टू नवंबर नव नवम्बर
दिसंबर दिस दिसम्बर มกราคม ม.ค กุมภาพันธ์ ก.พ มีนาคม มี.ค เมษายน เม.ย พฤษภาคม พ.ค มิถุนายน มิ.ย
กรกฎาคม ก.ค สิงหาคม ส.ค กันยายน ก.ย ตุลาคม ต.ค พฤศจิกายน พ.ย ธันวาคม ธ.ค 一月 二月 三月 四月
五月 六月 七月 八月 九月 十月 十一月 十二月
"""
_WEEKDAYS = """
monday mon tuesday tue wednesday wed thursday thu friday fri saturday sat sunday sun montag mo
dienstag di mittwoch mi donnerstag do freitag fr samstag sa sonntag so lundi lun mardi mar
mercredi mer jeudi jeu vendredi ven samedi sam dimanche dim lunes martes miércoles mié jueves
jue viernes vie sábado sáb domingo dom lunedì martedì mercoledì giovedì gio venerdì sabato sab
domenica segunda-feira seg terça-feira ter quarta-feira qua quinta-feira qui sexta-feira sex
maandag ma dinsdag woensdag wo donderdag vrijdag vr zaterdag za zondag zo måndag mån tisdag tis
onsdag ons torsdag tors fredag fre lördag lör söndag sön mandag man tirsdag tir tor lørdag lør
søndag søn ti on to lø sø maanantai tiistai keskiviikko ke torstai perjantai pe lauantai la
sunnuntai su poniedziałek pon wtorek wt środa śr czwartek czw piątek pt sobota sob niedziela
ndz pondělí po úterý út středa st čtvrtek čt pátek pá neděle ne hétfő hét kedd szerda sze
csütörtök csüt péntek pén szombat szo vasárnap vas luni marți miercuri mie joi vineri vin
sâmbătă sâm duminică dum dilluns dl dimarts dt dimecres dc dijous dj divendres dv dissabte ds
diumenge dg δευτέρα δευ τρίτη τρι τετάρτη τετ πέμπτη πεμ παρασκευή παρ σάββατο σαβ κυριακή κυρ
понедельник пн вторник вт среда ср четверг чт пятница пт суббота сб воскресенье вс понеділок
вівторок середа четвер пʼятниця субота неділя нд pazartesi pzt salı sal çarşamba çar perşembe
per cuma cum cumartesi cmt pazar paz senin sen selasa sel rabu rab kamis kam jumat jum sabtu
minggu min الإثنين إثنين الثلاثاء ثلاثاء الأربعاء أربعاء الخميس خميس الجمعة جمعة السبت سبت
الأحد أحد دوشنبه سه‌شنبه چهارشنبه پنج‌شنبه جمعه شنبه یک‌شنبه שני ב׳ שלישי ג׳ רביעי ד׳ חמישי ה׳
שישי ו׳ שבת ש׳ ראשון א׳ सोमवार सोम मंगलवार मंगल बुधवार बुध गुरूवार गुरू शुक्रवार शुक्र शनिवार
शनि रविवार रवि จันทร์ อังคาร พุธ พฤหัสบดี พฤหัส ศุกร์ เสาร์ อาทิตย์ 月曜日 月 火曜日 火 水曜日
水 木曜日 木 金曜日 金 土曜日 土 日曜日 日 월요일 월 화요일 화 수요일 수 목요일 목 금요일 금
토요일 토 일요일 일 星期一 周一 星期二 周二 星期三 周三 星期四 周四 星期五 周五 星期六 周六
星期日 周日 週一 週二 週三 週四 週五 週六 週日
"""

MONTH_NAMES = frozenset(name.replace("_", " ") for name in _MONTHS.split())
"""Names of months and their short forms."""

WEEKDAY_NAMES = frozenset(_WEEKDAYS.split())
"""Names of weekdays and their short forms."""
